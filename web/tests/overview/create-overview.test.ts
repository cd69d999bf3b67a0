// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { DEFAULT_CHOICES } from "../../src/overview/choices";
import { ageOf, createOverview, type RunningOverview } from "../../src/overview/create-overview";
import { decodeHosts } from "../../src/overview/frames";
import { createClock } from "../../src/store/clock";
import { createStore } from "../../src/store/create-store";
import { freshness } from "../../src/store/freshness";
import { answer, fakeBrowser, silence } from "../support/fake-browser";
import { FakeSocket } from "../support/fake-socket";
import { hostsText, overviewText, reportText, type Fleet } from "../support/overview";

const FLEET: Fleet = { a: ["live", { cpu: 10 }], b: ["live", { cpu: 20 }], c: ["live"] };
const B_LOST: Fleet = { ...FLEET, b: ["lost", { cpu: 20 }] };

let browser: ReturnType<typeof fakeBrowser>;
let overview: RunningOverview;
let stop: () => void;
const greeted = vi.fn();
const settle = (ms = 1) => vi.advanceTimersByTimeAsync(ms);

function make(report: string | null = null): RunningOverview {
  const around = {
    clock: createClock(),
    browser: { ...browser, WebSocket: FakeSocket, random: () => 0.5 },
    greeted,
  };
  const first = report === null ? null : decodeHosts(report);
  return createOverview("http://front/", createStore(DEFAULT_CHOICES), first, around);
}

beforeEach(async () => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  greeted.mockClear();
  browser = fakeBrowser();
  overview = make();
  stop = overview.start();
  await settle();
});
afterEach(() => {
  stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const connect = async (fleet = FLEET) => {
  FakeSocket.last.open();
  FakeSocket.last.receive(hostsText(fleet));
  FakeSocket.last.receive(overviewText(fleet));
  await settle();
};
const tickFor = async (seconds: number) => {
  for (let n = 0; n < seconds; n += 1) {
    await settle(1000);
    overview.tick();
  }
};
const names = () =>
  overview.state
    .get()
    .shown.map(({ host }) => host.name)
    .join("");
const kind = () => freshness(overview.state.get(), overview.state.get().nowMs).kind;
const requests = (path: string) =>
  browser.fetch.mock.calls.filter(([address]) => address.includes(path)).length;

it("asks for the overview of all hosts, and shows them with their counts", async () => {
  expect(FakeSocket.last.url).toBe("ws://front/ws?hosts=*");
  await connect(B_LOST);
  expect(names()).toBe("bac");
  expect([...overview.state.get().counts]).toEqual([
    ["lost", 1],
    ["live", 2],
  ]);
  expect(kind()).toBe("live");
});

it("begins with the answer of /api/v1/hosts, before the first message", () => {
  const begun = make(reportText(B_LOST));
  expect(begun.state.get().rows.map(({ host }) => host.name)).toEqual(["b", "a", "c"]);
  expect(begun.state.get().reasons.get("b".charCodeAt(0))).toBe("No answer");
  expect(greeted).toHaveBeenCalledWith({ version: "1.2.3", user: "kitchen" });
});

it("leaves out a host whose name it does not know, and requests the names", async () => {
  await connect();
  await settle(6000);
  const more: Fleet = { ...FLEET, d: ["live"] };
  browser.fetch.mockImplementation(() =>
    Promise.resolve(answer(200, reportText(more, { revision: 2 }))),
  );
  FakeSocket.last.receive(overviewText(more, 2));
  expect(names()).toBe("abc");
  await settle();
  expect(names()).toBe("abcd");
  expect(requests("api/v1/hosts")).toBe(2);
});

it("requests the reasons when a host fails, but not with every message", async () => {
  browser.fetch.mockImplementation(() => Promise.resolve(answer(200, reportText(FLEET))));
  await connect();
  await settle(6000);
  expect(requests("api/v1/hosts")).toBe(1);
  browser.fetch.mockImplementation(() => Promise.resolve(answer(200, reportText(B_LOST))));
  for (let n = 0; n < 20; n += 1) {
    FakeSocket.last.receive(overviewText(B_LOST));
    await settle(1000);
  }
  expect(requests("api/v1/hosts")).toBe(2);
  expect(overview.state.get().reasons.get("b".charCodeAt(0))).toBe("No answer");
});

it("requests the names again after a request that was never answered", async () => {
  browser.fetch.mockImplementation(silence);
  await connect();
  browser.fetch.mockImplementation(() => Promise.resolve(answer(200, reportText(B_LOST))));
  await settle(21_000);
  FakeSocket.last.receive(overviewText(B_LOST));
  await settle();
  expect(overview.state.get().reasons.get("b".charCodeAt(0))).toBe("No answer");
});

it("keeps the order while it is held, and sorts at once when it is released", async () => {
  await connect();
  overview.hold(true);
  FakeSocket.last.receive(overviewText(B_LOST));
  expect(names()).toBe("abc");
  overview.hold(false);
  expect(names()).toBe("bac");
});

it("selects the host that the viewer opened, by its id", async () => {
  await connect();
  overview.select("id-b");
  expect(overview.active.get()).toBe("b".charCodeAt(0));
  overview.select("id-z");
  expect(overview.active.get()).toBe("b".charCodeAt(0));
});

it("shows a group of hosts, with its own counts", async () => {
  await connect(B_LOST);
  overview.choices.update((before) => ({ ...before, group: "tag:a" }));
  expect([names(), [...overview.state.get().counts]]).toEqual(["a", [["live", 1]]]);
  expect(overview.state.get().groups.map(({ key, hosts }) => `${key} ${hosts}`)).toEqual([
    "site:east 3",
    "tag:a 1",
    "tag:b 1",
    "tag:c 1",
  ]);
});

it("keeps a host that does not match any more while it is held, unless the viewer chooses again", async () => {
  overview.choices.update((before) => ({ ...before, states: ["live"] }));
  await connect();
  overview.hold(true);
  FakeSocket.last.receive(overviewText(B_LOST));
  expect(names()).toBe("abc");
  overview.choices.update((before) => ({ ...before, filter: "east" }));
  expect(names()).toBe("ac");
});

it("asks again for the version after an interruption, because the server may be another one", async () => {
  browser.fetch.mockImplementation(() => Promise.resolve(answer(200, reportText(FLEET))));
  await connect();
  expect(greeted).toHaveBeenCalledTimes(1);
  FakeSocket.last.receive(overviewText(FLEET));
  await settle(6000);
  expect(requests("api/v1/hosts")).toBe(1);
  FakeSocket.last.end(1006);
  await settle(6000);
  await connect();
  expect(requests("api/v1/hosts")).toBe(2);
  expect(greeted).toHaveBeenCalledTimes(2);
});

it("keeps the last values when its own connection is lost, and they become older", async () => {
  await connect();
  FakeSocket.last.end(1006);
  await tickFor(3);
  const state = overview.state.get();
  expect(kind()).toBe("lost");
  expect(names()).toBe("abc");
  const [first] = state.rows;
  const fresh = freshness(state, state.nowMs);
  expect(first && Math.round(ageOf(first, state, fresh) ?? 0)).toBe(3);
  expect(overview.tabStatus().title).toBe("(lost) 3 hosts");
});

it("connects again by itself after a silence, and is live again", async () => {
  await connect();
  const before = FakeSocket.all.length;
  await tickFor(12);
  expect(FakeSocket.all.length).toBe(before + 1);
  await connect();
  expect(kind()).toBe("live");
});

it("connects at once when the browser wakes", async () => {
  await connect();
  FakeSocket.last.end(1006);
  await settle();
  const before = FakeSocket.all.length;
  overview.wake();
  expect(FakeSocket.all.length).toBe(before + 1);
});

it("reports why it was refused", async () => {
  browser.fetch.mockImplementation(() =>
    Promise.resolve(answer(503, '{"error":"Viewer limit reached"}')),
  );
  FakeSocket.last.end(1006);
  await settle();
  expect(browser.fetch.mock.calls[0]?.[0]).toBe("http://front/api/v1/stream?hosts=*&top=1");
  const { link } = overview.state.get();
  expect(link.end?.reason).toBe("Viewer limit reached");
});

it("tells the tab the worst state", async () => {
  await connect();
  expect(overview.tabStatus()).toEqual({ title: "3 hosts", icon: "ok" });
  FakeSocket.last.receive(overviewText({ ...B_LOST, c: ["late"] }));
  expect(overview.tabStatus()).toEqual({ title: "■ 3 hosts · 1 lost", icon: "critical" });
});

it("lists all hosts in order, and shows those that the viewer chose", async () => {
  await connect(B_LOST);
  overview.choices.update((before) => ({ ...before, states: ["live"] }));
  expect(overview.list().map(({ name, state }) => `${name} ${state}`)).toEqual([
    "b lost",
    "a live",
    "c live",
  ]);
  expect(names()).toBe("ac");
});

it("survives messages that it cannot read", async () => {
  await connect();
  for (const text of [
    "{",
    "null",
    '{"type":"overview"}',
    '{"type":"hosts","revision":1,"hosts":{}}',
  ])
    FakeSocket.last.receive(text);
  expect(names()).toBe("abc");
  expect(overview.state.get().fault).toContain("hosts");
});
