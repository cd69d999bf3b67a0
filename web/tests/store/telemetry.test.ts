import { beforeEach, describe, expect, it } from "vitest";

import { endOf } from "../../src/protocol/ends";
import { createTelemetry, type Telemetry } from "../../src/store/telemetry";
import { hello, sampleAt } from "../support/frames";

let nowMs: number;
let telemetry: Telemetry;

beforeEach(() => {
  nowMs = 1000;
  telemetry = createTelemetry({ monotonicMs: () => nowMs, unixSeconds: () => nowMs / 1000 });
  telemetry.frame({ type: "hello", hello: hello() });
});

const take = (seq: number, changes: Record<string, unknown> = {}) => {
  telemetry.frame({ type: "sample", sample: sampleAt(seq, changes) });
};
const known = () => telemetry.ring.slice(-Infinity, Infinity).known;
const missed = () => telemetry.store.get().missed;

describe("telemetry", () => {
  it("fills the ring from history and goes on with live samples", () => {
    telemetry.frame({ type: "history", samples: [sampleAt(1), sampleAt(2)], faults: [] });
    take(3);
    expect(known()).toEqual([true, true, true]);
    expect(telemetry.store.get()).toMatchObject({ received: 3, missed: 0, latest: { seq: 3 } });
  });

  it("counts a hole in seq as missed and leaves its slots empty", () => {
    take(1);
    take(4);
    expect(known()).toEqual([true, false, false, true]);
    expect(missed()).toBe(2);
  });

  it("takes nothing twice: history that overlaps what is here is skipped", () => {
    take(1);
    take(2);
    telemetry.frame({
      type: "history",
      samples: [sampleAt(1), sampleAt(2), sampleAt(3)],
      faults: [],
    });
    expect(known()).toEqual([true, true, true]);
    expect(telemetry.store.get().received).toBe(3);
  });

  it("misses nothing when only each fifth sample was asked for", () => {
    telemetry.frame({ type: "hello", hello: hello({ every: 5 }) });
    take(5);
    take(10);
    expect([missed(), known()]).toEqual([0, [true, true]]);
    take(20);
    expect([missed(), known()]).toEqual([1, [true, true, false, true]]);
  });

  it("asks to go on after the newest sample of its run", () => {
    expect(telemetry.resumePoint()).toBeNull();
    take(7);
    expect(telemetry.resumePoint()).toEqual({ seq: 7, stream: "5f0c9a3e71d24b86" });
  });

  it("draws the time between two runs as a hole, and misses none of another run", () => {
    take(50);
    telemetry.frame({ type: "hello", hello: hello({ stream: "another", seq: 1 }) });
    take(1, { stream: "another", time_unix: 1_764_000_055, uptime_seconds: 5055 });
    expect(known()).toEqual([true, false, false, false, false, true]);
    expect(telemetry.store.get()).toMatchObject({ missed: 0, restarts: [1_764_000_055] });
  });

  it("takes one late tick for a long interval, and a suspend for a hole", () => {
    take(1);
    take(2, { time_unix: 1_764_000_003, uptime_seconds: 5003 });
    expect(known()).toEqual([true, true]);
    take(3, { time_unix: 1_764_000_013, uptime_seconds: 5013 });
    expect(known().filter((slot) => !slot)).toHaveLength(9);
    expect(missed()).toBe(0);
  });

  it("keeps distances when the host's clock is set", () => {
    take(1);
    take(2, { time_unix: 1_764_003_602 });
    expect(telemetry.ring.slice(-Infinity, Infinity).x).toEqual([1_764_003_601, 1_764_003_602]);
  });

  it("dates a sample by its arrival on the monotonic clock", () => {
    nowMs = 4321;
    take(1);
    expect(telemetry.store.get().arrivedAtMs).toBe(4321);
  });

  it("remembers why the connection ended and when the next try comes", () => {
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

  it("keeps what a message that makes no sense said, and goes on", () => {
    take(1);
    telemetry.frame({ type: "error", reason: "not JSON" });
    telemetry.frame({ type: "ignored", was: "deploy" });
    expect(telemetry.store.get()).toMatchObject({ fault: "not JSON", latest: { seq: 1 } });
  });

  it("does not hold more slots than it has, however long the silence", () => {
    take(1);
    take(100_000, { time_unix: 1_764_100_000, uptime_seconds: 105_000 });
    expect(telemetry.ring.length).toBe(600);
    expect(telemetry.ring.newestX).toBe(1_764_100_000);
  });
});
