// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { decodeFrame } from "../../src/protocol/decode";
import { createNotifications } from "../../src/shell/notifications";
import { notifyOf } from "../../src/shell/notifier";
import type { Telemetry } from "../../src/store/telemetry";
import { alertOf, alertsText } from "../support/alerts";
import { connectedTelemetry } from "../support/telemetry";

const FULL = alertOf({ labels: { mountpoint: "/srv" } });

/** The notifications that were shown, and what the browser allows. */
let shown: string[];
let permission: string;
/** As those of the browser: one holder at a time, and the others wait. */
let waiting: (() => Promise<void>)[];
let isHeld: boolean;

class FakeNotification {
  static get permission() {
    return permission;
  }
  static requestPermission = vi.fn(() => {
    permission = "granted";
    return Promise.resolve(permission);
  });
  constructor(title: string, { body }: { body: string }) {
    shown.push(`${title}: ${body}`);
  }
  close = () => undefined;
}

const next = (): void => {
  const work = waiting.shift();
  isHeld = work !== undefined;
  if (work !== undefined) void work().then(next);
};
const locks = {
  request: (_: string, { signal }: { signal: AbortSignal }, work: () => Promise<void>) => {
    waiting.push(() => (signal.aborted ? Promise.resolve() : work()));
    if (!isHeld) next();
    return Promise.resolve();
  },
};

beforeEach(() => {
  [shown, permission, waiting, isHeld] = [[], "default", [], false];
  localStorage.clear();
  vi.stubGlobal("Notification", FakeNotification);
  vi.stubGlobal("isSecureContext", true);
  Object.defineProperty(navigator, "locks", { value: locks, configurable: true });
});
afterEach(() => {
  Reflect.deleteProperty(navigator, "locks");
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

const send = (telemetry: Telemetry, ...alerts: readonly Record<string, unknown>[]) => {
  telemetry.frame(decodeFrame(alertsText(alerts)));
};
/** A tab with the golden host. */
const openTab = (...alerts: readonly Record<string, unknown>[]) => {
  const telemetry = connectedTelemetry();
  if (alerts.length > 0) send(telemetry, ...alerts);
  return { telemetry, close: notifyOf(telemetry) };
};

it("notifies of nothing that is silenced, until the silence ends", () => {
  const { telemetry, close } = openTab();
  const other = alertOf({ labels: { mountpoint: "/" }, text: "/ is 90 % full" });
  send(telemetry, FULL);
  send(telemetry, { ...FULL, silenced: true }, { ...other, silenced: true });
  send(telemetry, { ...other, silenced: true });
  expect(shown).toEqual(["ada: warning: /srv is 91 % full"]);
  send(telemetry, other);
  send(telemetry, { ...other, silenced: true });
  send(telemetry, other);
  send(telemetry);
  expect(shown.slice(1)).toEqual(["ada: warning: / is 90 % full", "ada: resolved: / is 90 % full"]);
  close();
});

it("notifies of an alert, when it gets worse, and when it resolves", () => {
  const { telemetry, close } = openTab();
  send(telemetry, FULL);
  send(telemetry, { ...FULL, text: "/srv is 92 % full" });
  send(telemetry, { ...FULL, severity: "critical", text: "/srv is 98 % full" });
  send(telemetry, { ...FULL, text: "/srv is 93 % full" });
  send(telemetry);
  expect(shown).toEqual([
    "ada: warning: /srv is 91 % full",
    "ada: critical: /srv is 98 % full",
    "ada: resolved: /srv is 93 % full",
  ]);
  close();
  send(telemetry, FULL);
  expect(shown).toHaveLength(3);
});

it("does not report as resolved what the server leaves out", () => {
  const { telemetry } = openTab(FULL);
  const leaveOut = (...alerts: readonly Record<string, unknown>[]) => {
    telemetry.frame(decodeFrame(alertsText(alerts, { omitted_alerts: 1 })));
  };
  leaveOut();
  send(telemetry, FULL);
  expect(shown.splice(0)).toEqual(["ada: warning: /srv is 91 % full"]);
  leaveOut();
  leaveOut({ ...FULL, state: "resolved" });
  expect(shown).toEqual(["ada: resolved: /srv is 91 % full"]);
});

it("does not notify of what is only information, nor of unknown alerts", () => {
  const { telemetry } = openTab({ ...FULL, severity: "info" });
  send(telemetry, FULL);
  telemetry.frame(decodeFrame(alertsText(null)));
  expect(shown).toEqual(["ada: warning: /srv is 91 % full"]);
});

it("repeats nothing after a reload, and reports what resolved meanwhile", async () => {
  const closed = async (tab: ReturnType<typeof openTab>) => {
    tab.close();
    await vi.waitFor(() => {
      expect(isHeld).toBe(false);
    });
  };
  await closed(openTab(FULL, alertOf({ rule: "load" })));
  expect(shown.splice(0)).toHaveLength(2);
  await closed(openTab(FULL));
  expect(shown).toEqual(["ada: resolved: /srv is 91 % full"]);
  openTab({ ...FULL, since_unix: 1_764_000_060 });
  expect(shown[1]).toBe("ada: warning: /srv is 91 % full");
});

it("notifies from one tab, and from the next one when that is closed", async () => {
  const tabs = [openTab(), openTab()];
  for (const { telemetry } of tabs) send(telemetry, FULL);
  expect(shown).toHaveLength(1);
  tabs[0]?.close();
  for (const { telemetry } of tabs) send(telemetry);
  await vi.waitFor(() => {
    expect(shown).toEqual(["ada: warning: /srv is 91 % full", "ada: resolved: /srv is 91 % full"]);
  });
});

it("shows many changes as one", () => {
  openTab(...[1, 2, 3, 4].map((n) => alertOf({ labels: { mountpoint: `/${n}` } })));
  expect(shown).toHaveLength(1);
  expect(shown[0]).toMatch(/^ada: 4 changes of alerts: warning/);
});

it("survives a browser without notifications of pages, and damaged storage", () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  vi.stubGlobal("Notification", function Refused() {
    throw new TypeError("Illegal constructor");
  });
  localStorage.setItem(`telemetry-stream-notified ${location.pathname} b3f1c2d4e5a69788`, "{");
  openTab(FULL);
  expect(warn).toHaveBeenCalledOnce();
});

it("asks for permission only when the viewer turns it on, and remembers the choice", async () => {
  const notifications = createNotifications();
  const telemetry = connectedTelemetry();
  const leave = notifications.follow(telemetry);
  expect(notifications.state.get()).toBe("off");
  expect(FakeNotification.requestPermission).not.toHaveBeenCalled();
  await notifications.toggle();
  await vi.dynamicImportSettled();
  expect(notifications.state.get()).toBe("on");
  expect(createNotifications().state.get()).toBe("on");
  send(telemetry, FULL);
  expect(shown).toHaveLength(1);
  await notifications.toggle();
  send(telemetry);
  expect(shown).toHaveLength(1);
  expect(createNotifications().state.get()).toBe("off");
  leave();
});

it("knows when the browser allows none", () => {
  permission = "denied";
  expect(createNotifications().state.get()).toBe("denied");
  vi.stubGlobal("isSecureContext", false);
  expect(createNotifications().state.get()).toBe("unavailable");
});
