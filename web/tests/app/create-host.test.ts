// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { createHost, type RunningHost, type Surroundings } from "../../src/app/create-host";
import { createClock } from "../../src/store/clock";
import { createStore } from "../../src/store/create-store";
import type { Pause } from "../../src/store/timeline";
import { DEFAULT_VIEW } from "../../src/store/view";
import type { Browser } from "../../src/stream/refusal";
import { fakeBrowser, noAnswer } from "../support/fake-browser";
import { FakeSocket } from "../support/fake-socket";
import { goldenObject, sampleText } from "../support/frames";

const EDGE = 1_764_000_042;
const pause = createStore<Pause | null>(null);
const greeted = vi.fn();
const superseded = vi.fn();
const fetched = vi.fn<Browser["fetch"]>(noAnswer);
let around: Surroundings;
let hosts: RunningHost[];
let stops: (() => void)[];

const helloOf = (id: string) =>
  JSON.stringify({ ...goldenObject("hello"), host: { id, name: id } });
const settle = () => vi.advanceTimersByTimeAsync(30);
const shown = (host: RunningHost | undefined) => {
  const { state, picture } = host?.display.get() ?? {};
  return [state?.hello?.host.id, picture?.sample?.sections.cpu?.usage_percent];
};

beforeEach(async () => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  pause.set(null);
  greeted.mockClear();
  superseded.mockClear();
  fetched.mockClear();
  around = {
    view: createStore(DEFAULT_VIEW),
    pause,
    clock: createClock(),
    browser: { ...fakeBrowser(), fetch: fetched, WebSocket: FakeSocket, random: () => 0.5 },
    hostId: null,
    greeted,
    superseded,
  };
  hosts = ["http://one/", "http://two/"].map((address, at) => createHost(at, address, around));
  stops = hosts.map((host) => host.start());
  await settle();
  for (const [at, socket] of FakeSocket.all.entries()) {
    socket.open();
    socket.receive(helloOf(`host ${at}`));
    socket.receive(sampleText({ seq: 42, cpu: { usage_percent: 10 + at } }));
  }
  await settle();
});

afterEach(() => {
  for (const stop of stops) stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it("shares nothing with another host on the page", async () => {
  expect(hosts.map(shown)).toEqual([
    ["host 0", 10],
    ["host 1", 11],
  ]);
  FakeSocket.all[0]?.end(1006);
  await settle();
  expect(hosts.map(({ display }) => display.get().fresh.kind)).toEqual(["lost", "live"]);
});

it("is frozen together with the other hosts of the page, and continues with them", async () => {
  pause.set({ edge: EDGE, zoom: null });
  for (const socket of FakeSocket.all)
    socket.receive(sampleText({ seq: 43, cpu: { usage_percent: 50 } }));
  await settle();
  pause.set({ edge: EDGE, zoom: { from: EDGE - 30, to: EDGE } });
  await settle();
  expect(hosts.map((host) => shown(host)[1])).toEqual([10, 11]);
  pause.set(null);
  await settle();
  expect(hosts.map((host) => shown(host)[1])).toEqual([50, 50]);
});

it("counts the bytes of each connection beside the stream until it ends", async () => {
  const bytes = () => hosts[0]?.telemetry.store.get().sideBytesPerSecond;
  const watch = async (section: string) => {
    const stop = hosts[0]?.watchSections([section], { frame: vi.fn(), failed: vi.fn() });
    await settle();
    FakeSocket.last.open();
    return [FakeSocket.last, stop ?? (() => undefined)] as const;
  };
  const [processes, stopProcesses] = await watch("processes");
  const [containers, stopContainers] = await watch("containers");
  stops.push(stopContainers);
  const [first, second] = [sampleText({ seq: 43 }), sampleText({ seq: 44, text: "longer" })];
  processes.receive(first);
  containers.receive(second);
  expect(bytes()).toBe(first.length + second.length);
  processes.receive(second);
  expect(bytes()).toBe(2 * second.length);
  stopProcesses();
  expect(bytes()).toBe(second.length);
  containers.end(1006);
  expect(bytes()).toBe(0);
});

it("reports that another host answers at its address, and takes nothing from it", async () => {
  FakeSocket.all[0]?.receive(helloOf("another"));
  await settle();
  expect(superseded).toHaveBeenCalledOnce();
  expect(greeted).toHaveBeenCalledTimes(2);
  expect(shown(hosts[0])).toEqual(["host 0", 10]);
});

it("stays the same host when its server restarts", async () => {
  FakeSocket.all[0]?.receive(helloOf("host 0"));
  await settle();
  expect([superseded.mock.calls.length, greeted.mock.calls.length]).toEqual([0, 3]);
});

it("requests the stream, the tables and the past of its own host from a front end", async () => {
  const host = createHost(2, "http://front/", { ...around, hostId: "ada 1" });
  stops.push(host.start());
  await settle();
  const stream = FakeSocket.last;
  stream.open();
  stream.receive(helloOf("ada 1"));
  stream.receive(sampleText({ seq: 42 }));
  await settle();
  stops.push(host.watchSections(["processes"], { frame: vi.fn(), failed: vi.fn() }));
  await settle();
  const requests = fetched.mock.calls.map(([address]) => new URL(address));
  const past = requests.filter(({ host: name }) => name === "front");
  expect(past.length).toBeGreaterThan(0);
  const queries = [stream.query, FakeSocket.last.query, ...past.map((url) => url.searchParams)];
  expect(FakeSocket.last).not.toBe(stream);
  expect(new Set(queries.map((query) => query.get("host")))).toEqual(new Set(["ada 1"]));
});
