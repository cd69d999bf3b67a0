// @vitest-environment jsdom
import { expect, it, vi } from "vitest";

import { decodeFrame } from "../../src/protocol/decode";
import { createNotifications } from "../../src/shell/notifications";
import { notifyOf, recordOf } from "../../src/shell/notifier";
import type { Telemetry } from "../../src/store/telemetry";
import { alertOf, alertsText } from "../support/alerts";
import { browser, FakeNotification, installNotifications } from "../support/notifications";
import { connectedTelemetry } from "../support/telemetry";

const FULL = alertOf({ labels: { mountpoint: "/srv" } });

installNotifications();

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
  expect(browser.shown).toEqual(["ada: warning: /srv is 91 % full"]);
  send(telemetry, other);
  send(telemetry, { ...other, silenced: true });
  send(telemetry, other);
  send(telemetry);
  expect(browser.shown.slice(1)).toEqual([
    "ada: warning: / is 90 % full",
    "ada: resolved: / is 90 % full",
  ]);
  close();
});

it("notifies of an alert, when it gets worse, and when it resolves", () => {
  const { telemetry, close } = openTab();
  send(telemetry, FULL);
  send(telemetry, { ...FULL, text: "/srv is 92 % full" });
  send(telemetry, { ...FULL, severity: "critical", text: "/srv is 98 % full" });
  send(telemetry, { ...FULL, text: "/srv is 93 % full" });
  send(telemetry);
  expect(browser.shown).toEqual([
    "ada: warning: /srv is 91 % full",
    "ada: critical: /srv is 98 % full",
    "ada: resolved: /srv is 93 % full",
  ]);
  close();
  send(telemetry, FULL);
  expect(browser.shown).toHaveLength(3);
});

it("does not report as resolved what the server leaves out", () => {
  const { telemetry } = openTab(FULL);
  const leaveOut = (...alerts: readonly Record<string, unknown>[]) => {
    telemetry.frame(decodeFrame(alertsText(alerts, { omitted_alerts: 1 })));
  };
  leaveOut();
  send(telemetry, FULL);
  expect(browser.shown.splice(0)).toEqual(["ada: warning: /srv is 91 % full"]);
  leaveOut();
  leaveOut({ ...FULL, state: "resolved" });
  expect(browser.shown).toEqual(["ada: resolved: /srv is 91 % full"]);
});

it("does not notify of what is only information, nor of unknown alerts", () => {
  const { telemetry } = openTab({ ...FULL, severity: "info" });
  send(telemetry, FULL);
  telemetry.frame(decodeFrame(alertsText(null)));
  expect(browser.shown).toEqual(["ada: warning: /srv is 91 % full"]);
});

it("repeats nothing after a reload, and reports what resolved meanwhile", async () => {
  const closed = async (tab: ReturnType<typeof openTab>) => {
    tab.close();
    await vi.waitFor(() => {
      expect(browser.held.size).toBe(0);
    });
  };
  await closed(openTab(FULL, alertOf({ rule: "load" })));
  expect(browser.shown.splice(0)).toHaveLength(2);
  await closed(openTab(FULL));
  expect(browser.shown).toEqual(["ada: resolved: /srv is 91 % full"]);
  openTab({ ...FULL, since_unix: 1_764_000_060 });
  expect(browser.shown[1]).toBe("ada: warning: /srv is 91 % full");
});

it("repeats nothing while the storage of the browser is full", () => {
  const { telemetry, close } = openTab(FULL);
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  const other = alertOf({ labels: { mountpoint: "/" }, text: "/ is 90 % full" });
  send(telemetry, FULL, other);
  send(telemetry, { ...FULL, text: "/srv is 92 % full" }, other);
  send(telemetry, other);
  send(telemetry, { ...other });
  expect(browser.shown).toEqual([
    "ada: warning: /srv is 91 % full",
    "ada: warning: / is 90 % full",
    "ada: resolved: /srv is 92 % full",
  ]);
  send(telemetry);
  close();
});

it("keeps nothing of a host without alerts", () => {
  const { telemetry } = openTab();
  const record = recordOf("b3f1c2d4e5a69788");
  expect(localStorage.getItem(record)).toBeNull();
  send(telemetry, FULL);
  expect(localStorage.getItem(record)).toContain("/srv");
  send(telemetry);
  expect(localStorage.getItem(record)).toBeNull();
});

it("notifies from one tab, and from the next one when that is closed", async () => {
  const tabs = [openTab(), openTab()];
  for (const { telemetry } of tabs) send(telemetry, FULL);
  expect(browser.shown).toHaveLength(1);
  tabs[0]?.close();
  for (const { telemetry } of tabs) send(telemetry);
  await vi.waitFor(() => {
    expect(browser.shown).toEqual([
      "ada: warning: /srv is 91 % full",
      "ada: resolved: /srv is 91 % full",
    ]);
  });
});

it("shows many changes as one", () => {
  openTab(...[1, 2, 3, 4].map((n) => alertOf({ labels: { mountpoint: `/${n}` } })));
  expect(browser.shown).toHaveLength(1);
  expect(browser.shown[0]).toMatch(/^ada: 4 changes of alerts: warning/);
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
  const leave = notifications.follow(() => Promise.resolve(() => notifyOf(telemetry)));
  expect(notifications.state.get()).toBe("off");
  expect(FakeNotification.requestPermission).not.toHaveBeenCalled();
  await notifications.toggle();
  await Promise.resolve();
  expect(notifications.state.get()).toBe("on");
  expect(createNotifications().state.get()).toBe("on");
  send(telemetry, FULL);
  expect(browser.shown).toHaveLength(1);
  await notifications.toggle();
  send(telemetry);
  expect(browser.shown).toHaveLength(1);
  expect(createNotifications().state.get()).toBe("off");
  leave();
});

it("knows when the browser allows none", () => {
  browser.permission = "denied";
  expect(createNotifications().state.get()).toBe("denied");
  vi.stubGlobal("isSecureContext", false);
  expect(createNotifications().state.get()).toBe("unavailable");
});
