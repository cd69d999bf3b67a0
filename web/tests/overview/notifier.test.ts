// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { decodeHosts, decodeOverview } from "../../src/overview/frames";
import { notifyOfHosts } from "../../src/overview/notifier";
import type { Row } from "../../src/overview/order";
import { notifyingOf } from "../../src/overview/palette";
import { notifyOf } from "../../src/shell/notifier";
import { createNotifications } from "../../src/shell/notifications";
import { createStore } from "../../src/store/create-store";
import type { Page } from "../../src/store/page";
import { decodeFrame } from "../../src/protocol/decode";
import { alertOf, alertsText } from "../support/alerts";
import { browser, installNotifications } from "../support/notifications";
import { hostsText, overviewText, type Fleet } from "../support/overview";
import { connectedTelemetry } from "../support/telemetry";

type WireAlert = ReturnType<typeof alertOf>;

installNotifications();

const FULL = alertOf();
const LOADED = alertOf({ rule: "load", severity: "critical", text: "the load is 12" });

/** What fires, by the name of the host. */
let firing: Record<string, readonly WireAlert[]>;
let nowMs: number;
let requested: string[];
const answerTo: Page["request"] = (path) => {
  requested.push(path);
  const name = /host=id-(.+)$/.exec(path)?.[1] ?? "";
  const alerts = firing[name];
  if (alerts === undefined) return Promise.reject(new Error("There is no such host"));
  return Promise.resolve({ host: `id-${name}`, alerts, omitted_alerts: 0 });
};
const request = vi.fn<Page["request"]>(answerTo);

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
beforeEach(() => {
  [firing, nowMs, requested] = [{ a: [], b: [], c: [] }, 0, []];
  request.mockClear();
});

const count = (alerts: readonly WireAlert[], severity: string) =>
  alerts.filter((alert) => alert["severity"] === severity).length;

function rowsNow(): Row[] {
  const names = Object.keys(firing);
  const fleet: Fleet = Object.fromEntries(names.map((name) => [name, ["live"]]));
  const frame = decodeOverview(overviewText(fleet));
  if (frame.type !== "overview") throw new Error(frame.type);
  const { hosts } = decodeHosts(hostsText(fleet));
  return frame.readings.map((reading, at) => {
    const host = hosts[at];
    const alerts = firing[host?.name ?? ""] ?? [];
    if (host === undefined) throw new Error("no name");
    const [critical, warn] = [count(alerts, "critical"), count(alerts, "warning")];
    const text = (alerts[0]?.["text"] as string | undefined) ?? null;
    return { ...reading, host, byName: at, words: "", alerts: { critical, warn, info: 0, text } };
  });
}

/** A tab with the overview. */
function openTab() {
  const state = createStore({ rows: rowsNow(), nowMs });
  const close = notifyOfHosts(state, request);
  /** A message after so many seconds. */
  const receive = async (seconds = 10) => {
    nowMs += seconds * 1000;
    state.set({ rows: rowsNow(), nowMs });
    for (let n = 0; n < 50; n += 1) await Promise.resolve();
  };
  return { receive, close };
}

it("notifies of the alerts of all hosts, and of their end", async () => {
  const { receive, close } = openTab();
  firing = { ...firing, a: [FULL] };
  await receive();
  firing = { ...firing, b: [LOADED] };
  await receive();
  firing = { ...firing, a: [], b: [{ ...LOADED, text: "the load is 13" }] };
  await receive();
  await receive();
  expect(browser.shown).toEqual([
    "a: warning: /srv is 91 % full",
    "b: critical: the load is 12",
    "a: resolved: /srv is 91 % full",
  ]);
  expect(requested).toEqual(["a", "b", "a"].map((name) => `api/v1/alerts?host=id-${name}`));
  close();
  firing = { ...firing, a: [FULL] };
  await receive();
  expect(browser.shown).toHaveLength(3);
});

it("notifies once of what changes within a few seconds", async () => {
  const { receive } = openTab();
  const many = [1, 2, 3].map((n) => alertOf({ labels: { mountpoint: `/${n}` }, text: `/${n}` }));
  firing = { ...firing, a: many, b: many };
  await receive();
  expect(browser.shown).toHaveLength(1);
  expect(browser.shown[0]).toMatch(
    /^6 changes of alerts: a: warning: \/1\na: .*\nb: warning: \/3$/s,
  );
  firing = { ...firing, a: [] };
  await receive(1);
  firing = { ...firing, b: [] };
  await receive(1);
  expect(browser.shown).toHaveLength(1);
  await receive(4);
  expect(browser.shown).toHaveLength(2);
});

it("notifies of nothing that is silenced, until the silence ends", async () => {
  const { receive } = openTab();
  firing = { ...firing, a: [{ ...FULL, silenced: true }] };
  await receive();
  await receive();
  expect([browser.shown, requested.length]).toEqual([[], 1]);
  firing = { ...firing, a: [FULL] };
  await receive(61);
  expect(browser.shown).toEqual(["a: warning: /srv is 91 % full"]);
});

it("notifies from one tab, and repeats nothing in the next one", async () => {
  const [first, second] = [openTab(), openTab()];
  firing = { ...firing, a: [FULL] };
  for (const { receive } of [first, second]) await receive();
  expect(browser.shown).toHaveLength(1);
  first.close();
  await second.receive();
  expect(browser.shown).toHaveLength(1);
  firing = { ...firing, a: [] };
  await second.receive();
  expect(browser.shown).toHaveLength(2);
});

it("leaves a host to the tab that shows it, and repeats nothing of it", async () => {
  const telemetry = connectedTelemetry();
  const closeHost = notifyOf(telemetry);
  telemetry.frame(decodeFrame(alertsText([FULL])));
  const id = "b3f1c2d4e5a69788";
  const row = (): Row[] =>
    rowsNow()
      .slice(0, 1)
      .map((one) => ({ ...one, host: { ...one.host, id } }));
  firing = { a: [FULL] };
  const state = createStore({ rows: row(), nowMs });
  notifyOfHosts(state, () => Promise.resolve({ alerts: firing["a"], omitted_alerts: 0 }));
  const receive = async () => {
    nowMs += 10_000;
    state.set({ rows: row(), nowMs });
    for (let n = 0; n < 50; n += 1) await Promise.resolve();
  };
  await receive();
  firing = { a: [FULL, LOADED] };
  await receive();
  expect(browser.shown).toEqual(["ada: warning: /srv is 91 % full"]);
  closeHost();
  firing = { a: [FULL] };
  await receive();
  firing = { a: [] };
  await receive();
  expect(browser.shown.slice(1)).toEqual(["a: resolved: /srv is 91 % full"]);
});

it("keeps nothing of a host that is gone, and repeats nothing when it is back", async () => {
  const { receive } = openTab();
  firing = { a: [FULL], b: [LOADED] };
  await receive();
  firing = { a: [FULL] };
  await receive();
  expect(requested.splice(0)).toHaveLength(2);
  firing = { a: [FULL], b: [LOADED] };
  await receive();
  expect(requested).toEqual(["api/v1/alerts?host=id-b"]); // it may have changed in between
  expect(browser.shown).toHaveLength(2);
});

it("tries again after a failure", async () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
  const { receive } = openTab();
  firing = { ...firing, a: [FULL], b: [LOADED] };
  const error = new Error("the server is not reachable");
  request.mockImplementationOnce(() => Promise.reject(error));
  await receive();
  expect([browser.shown, warn.mock.calls]).toEqual([[], [[error]]]);
  await receive();
  expect(browser.shown.toSorted()).toEqual([
    "a: warning: /srv is 91 % full",
    "b: critical: the load is 12",
  ]);
});

const noAnswer: Page["request"] = (_, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      reject(new Error("the server is not reachable"));
    });
  });

it("aborts its request at the end of the overview, which is no failure", async () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
  const { receive, close } = openTab();
  request.mockImplementationOnce(noAnswer);
  firing = { ...firing, a: [FULL] };
  await receive();
  close();
  await receive();
  expect(request.mock.lastCall?.[1].aborted).toBe(true);
  expect(warn).not.toHaveBeenCalled();
});

it("shows what it has while an answer takes long, and leaves other hosts for later", async () => {
  vi.useFakeTimers();
  const { receive } = openTab();
  firing = { a: [FULL], b: [FULL], c: [FULL] };
  let answerNow = (): void => undefined;
  request.mockImplementationOnce(answerTo);
  request.mockImplementationOnce(
    () =>
      new Promise((resolve) => {
        answerNow = () => {
          resolve({ host: "id-b", alerts: [FULL], omitted_alerts: 0 });
        };
      }),
  );
  await receive();
  expect(browser.shown).toEqual([]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(browser.shown).toEqual(["a: warning: /srv is 91 % full"]);
  answerNow();
  await vi.advanceTimersByTimeAsync(0);
  expect([browser.shown.length, request.mock.calls.length]).toEqual([2, 2]);
  await receive();
  expect([browser.shown.length, request.mock.calls.length]).toEqual([3, 3]);
});

it("notifies of many hosts in parts", async () => {
  const names = Array.from({ length: 30 }, (_, n) => `h${n}`);
  firing = Object.fromEntries(names.map((name) => [name, []]));
  const { receive } = openTab();
  firing = Object.fromEntries(names.map((name) => [name, [FULL]]));
  await receive();
  await vi.waitFor(() => {
    expect(browser.shown).toHaveLength(1);
  });
  expect(requested).toHaveLength(20);
  await receive();
  await vi.waitFor(() => {
    expect(browser.shown).toHaveLength(2);
  });
  expect(new Set(requested).size).toBe(30);
  expect(browser.shown.map((text) => text.split(":")[0])).toEqual([
    "20 changes of alerts",
    "10 changes of alerts",
  ]);
});

it("is turned on and off among the actions, where the browser allows it", async () => {
  const notifications = createNotifications();
  const labels = () => notifyingOf(notifications).map(({ label }) => label);
  expect(labels()).toEqual(["notify me of alerts in this browser"]);
  await notifications.toggle();
  expect(labels()).toEqual(["do not notify me of alerts"]);
  browser.permission = "denied";
  expect(notifyingOf(createNotifications())).toEqual([]);
});
