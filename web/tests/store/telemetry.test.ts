import { beforeEach, expect, it } from "vitest";

import { endOf } from "../../src/protocol/ends";
import type { Telemetry } from "../../src/store/telemetry";
import { hello, sampleAt } from "../support/frames";
import { connectedTelemetry } from "../support/telemetry";

let nowMs: number;
let telemetry: Telemetry;

beforeEach(() => {
  nowMs = 1000;
  telemetry = connectedTelemetry({}, () => nowMs);
});

const receive = (seq: number, changes: Record<string, unknown> = {}) => {
  telemetry.frame({ type: "sample", sample: sampleAt(seq, changes) });
};
const known = () => telemetry.ring.slice(-Infinity, Infinity).known;
const missed = () => telemetry.store.get().missed;

it("fills the ring from the history and continues with live samples", () => {
  telemetry.frame({ type: "history", samples: [sampleAt(1), sampleAt(2)], faults: [] });
  receive(3);
  expect(known()).toEqual([true, true, true]);
  expect(telemetry.store.get()).toMatchObject({ received: 3, missed: 0, latest: { seq: 3 } });
});

it("counts the samples of a gap in seq as missed and leaves their slots empty", () => {
  receive(1);
  receive(4);
  expect(known()).toEqual([true, false, false, true]);
  expect(missed()).toBe(2);
});

it("skips the samples of a history that it already has", () => {
  receive(1);
  receive(2);
  telemetry.frame({
    type: "history",
    samples: [sampleAt(1), sampleAt(2), sampleAt(3)],
    faults: [],
  });
  expect(known()).toEqual([true, true, true]);
  expect(telemetry.store.get().received).toBe(3);
});

it("misses nothing when it asked for every fifth sample", () => {
  telemetry.frame({ type: "hello", hello: hello({ every: 5 }) });
  receive(5);
  receive(10);
  expect([missed(), known()]).toEqual([0, [true, true]]);
  receive(20);
  expect([missed(), known()]).toEqual([1, [true, true, false, true]]);
});

it("continues with the same host after a restart of the server", () => {
  receive(50);
  telemetry.frame({ type: "hello", hello: hello({ stream: "another run" }) });
  expect(telemetry.store.get().latest?.seq).toBe(50);
});

it("resumes after its newest sample", () => {
  expect(telemetry.resumePoint()).toBeNull();
  receive(7);
  expect(telemetry.resumePoint()).toEqual({ seq: 7, stream: "5f0c9a3e71d24b86" });
});

it("leaves a gap between two runs of the server, without missed samples", () => {
  receive(50);
  telemetry.frame({ type: "hello", hello: hello({ stream: "another", seq: 1 }) });
  receive(1, { stream: "another", time_unix: 1_764_000_055, uptime_seconds: 5055 });
  expect(known()).toEqual([true, false, false, false, false, true]);
  expect(telemetry.store.get()).toMatchObject({ missed: 0, restarts: [1_764_000_055] });
});

it("leaves no gap for one late tick, but one for a suspend", () => {
  receive(1);
  receive(2, { time_unix: 1_764_000_003, uptime_seconds: 5003 });
  expect(known()).toEqual([true, true]);
  receive(3, { time_unix: 1_764_000_013, uptime_seconds: 5013 });
  expect(known().filter((slot) => !slot)).toHaveLength(9);
  expect(missed()).toBe(0);
});

it("has no gap while the server without viewers takes samples less often", () => {
  const idle = (n: number) => ({
    interval_seconds: 10.0004,
    time_unix: 1_764_000_000 + 10 * n,
    uptime_seconds: 5000 + 10 * n,
  });
  const samples = [1, 2, 3].map((n) => sampleAt(n, idle(n)));
  telemetry.frame({ type: "history", samples, faults: [] });
  receive(4, { time_unix: 1_764_000_031, uptime_seconds: 5031 });
  expect(known()).toEqual([true, true, true, true]);
  const { spans } = telemetry.ring.slice(-Infinity, Infinity);
  expect(spans.map(Math.round)).toEqual([10, 10, 10, 1]);
  // Two samples of ten seconds are missing, and then the host is suspended for a minute.
  receive(7, { ...idle(6), time_unix: 1_764_000_061, uptime_seconds: 5061 });
  expect(known().slice(4)).toEqual([false, false, true]);
  receive(8, { ...idle(13), time_unix: 1_764_000_131, uptime_seconds: 5131 });
  expect(known().slice(7)).toEqual([false, false, false, false, false, false, true]);
});

it("keeps the distances between samples when the host's clock is set", () => {
  receive(1);
  receive(2, { time_unix: 1_764_003_602 });
  expect(telemetry.ring.slice(-Infinity, Infinity).x).toEqual([1_764_003_601, 1_764_003_602]);
});

it("records the arrival of a sample on the monotonic clock", () => {
  nowMs = 4321;
  receive(1);
  expect(telemetry.store.get().arrivedAtMs).toBe(4321);
});

it("records why the connection ended and when the next try is", () => {
  telemetry.opened();
  telemetry.closed(endOf(4008), 500);
  expect(telemetry.store.get().link).toMatchObject({
    phase: "closed",
    nextTryAtMs: 1500,
    end: { name: "too slow" },
  });
  telemetry.opened();
  expect(telemetry.store.get().link).toEqual({ phase: "open", end: null, nextTryAtMs: null });
});

it("records the fault of a message that it cannot decode, and continues", () => {
  receive(1);
  telemetry.frame({ type: "error", reason: "not JSON" });
  telemetry.frame({ type: "ignored", was: "deploy" });
  expect(telemetry.store.get()).toMatchObject({ fault: "not JSON", latest: { seq: 1 } });
});

it("fills no more slots than it has, also after a long silence", () => {
  receive(1);
  receive(100_000, { time_unix: 1_764_100_000, uptime_seconds: 105_000 });
  expect(telemetry.ring.length).toBe(600);
  expect(telemetry.ring.newestX).toBe(1_764_100_000);
});

it("measures delays anew when the host's clock is set", () => {
  receive(1);
  receive(2);
  expect(telemetry.store.get().offsets.count).toBe(2);
  receive(3, { time_unix: 1_764_003_603 });
  expect(telemetry.store.get()).toMatchObject({ offsets: { count: 1 }, delaySeconds: 0 });
});

it("does not fire an alert because the host's clock was set", () => {
  const stalled = { cpu: { usage_percent: 90, steal_percent: 50 } };
  receive(1, stalled);
  receive(2, { ...stalled, time_unix: 1_764_003_602 });
  expect(telemetry.store.get()).toMatchObject({ hostSeconds: 1, alerts: new Map() });
  for (let seq = 3; seq <= 11; seq += 1) {
    receive(seq, { ...stalled, time_unix: 1_764_003_600 + seq });
  }
  expect([...telemetry.store.get().alerts.keys()]).toContain("steal");
});
