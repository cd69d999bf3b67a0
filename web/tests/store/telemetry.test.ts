import { beforeEach, describe, expect, it } from "vitest";

import { decodeFrame } from "../../src/protocol/decode";
import { endOf } from "../../src/protocol/ends";
import type { Hole } from "../../src/store/holes";
import type { Telemetry } from "../../src/store/telemetry";
import { alertOf, alertsText } from "../support/alerts";
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

it("counts the samples of a gap in seq as missed and leaves their slots empty", () => {
  receive(1);
  receive(4);
  expect(known()).toEqual([true, false, false, true]);
  expect(missed()).toBe(2);
});

it("skips samples that it already has", () => {
  for (const seq of [1, 2, 1, 2, 3]) receive(seq);
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
  for (const n of [1, 2, 3]) receive(n, idle(n));
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
  expect(known()).toHaveLength(602);
  expect(telemetry.ring.newestX).toBe(1_764_100_000);
});

it("measures delays anew when the host's clock is set", () => {
  receive(1);
  receive(2);
  expect(telemetry.store.get().offsets.count).toBe(2);
  receive(3, { time_unix: 1_764_003_603 });
  expect(telemetry.store.get()).toMatchObject({ offsets: { count: 1 }, delaySeconds: 0 });
});

describe("the alerts", () => {
  const alarm = (...alerts: readonly Record<string, unknown>[]) => {
    telemetry.frame(decodeFrame(alertsText(alerts)));
  };
  const firing = () => telemetry.store.get().alerts.firing?.map(({ rule }) => rule);
  const greet = (changes: Record<string, unknown>) => {
    telemetry.frame({ type: "hello", hello: hello(changes) });
  };

  it("are those of hello, then those of each message", () => {
    greet({ alerts: [alertOf()] });
    expect(firing()).toEqual(["filesystem_full"]);
    alarm(alertOf(), alertOf({ rule: "load" }));
    expect(firing()).toEqual(["filesystem_full", "load"]);
    alarm();
    expect(firing()).toEqual([]);
  });

  it("of a server without rules are unknown", () => {
    greet({ alerts: null });
    expect(firing()).toBeUndefined();
  });

  it("that ended during an interruption have resolved", () => {
    receive(1);
    alarm(alertOf());
    greet({ alerts: [] });
    expect(telemetry.store.get().alerts.resolved).toMatchObject([{ untilUnix: 1_764_000_001 }]);
  });

  it("stay while a server that was restarted has no sample yet", () => {
    alarm(alertOf());
    greet({ alerts: null, seq: 0 });
    expect(firing()).toEqual(["filesystem_full"]);
  });
});

describe("the past", () => {
  const hole = (): Hole => {
    const found = telemetry.hole();
    if (found === null) throw new Error("there is no hole");
    return found;
  };
  /** As it is loaded: the newest sample first. */
  const fill = (seqs: readonly number[], changes: Record<string, unknown> = {}, done = false) => {
    const into = hole();
    for (const seq of seqs.toReversed()) telemetry.fill(into, sampleAt(seq, changes));
    telemetry.filled(into, done);
  };
  const reconnect = (changes: Record<string, unknown> = {}) => {
    telemetry.opened();
    telemetry.frame({ type: "hello", hello: hello(changes) });
  };
  const x = () =>
    telemetry.ring.slice(-Infinity, Infinity).x.map((at) => Math.round(at - 1_764_000_000));

  it("is what the server remembers before the first sample, and is filled backwards", () => {
    expect(telemetry.hole()).toBeNull();
    receive(10);
    expect(hole()).toMatchObject({ since: 0, after: { seq: 10 }, expected: 0 });
    fill([8, 9]);
    receive(11);
    expect(hole()).toMatchObject({ since: 0, after: { seq: 8 } });
    fill([5, 6, 7], {}, true);
    expect(telemetry.hole()).toBeNull();
    expect(x()).toEqual([5, 6, 7, 8, 9, 10, 11]);
    expect(known().every(Boolean)).toBe(true);
  });

  it("does not exist before the first sample of a run", () => {
    receive(1);
    receive(2);
    expect(telemetry.hole()).toBeNull();
  });

  const seconds = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n) => from + n);
  it("changes neither delay nor the newest sample, nor what was missed", () => {
    receive(100);
    const { delaySeconds, latest, received, missed: lost } = telemetry.store.get();
    fill(seconds(50, 99));
    expect(telemetry.store.get()).toMatchObject({ delaySeconds, latest, received, missed: lost });
    expect(telemetry.store.get().filled).toBe(50);
  });

  it("shows its gaps, and the intervals of an idle server", () => {
    receive(10, { time_unix: 1_764_000_100, uptime_seconds: 5100 });
    fill([9], { interval_seconds: 10, time_unix: 1_764_000_099, uptime_seconds: 5099 });
    fill([8], { interval_seconds: 10, time_unix: 1_764_000_089, uptime_seconds: 5089 });
    fill([7], { interval_seconds: 10, time_unix: 1_764_000_049, uptime_seconds: 5049 });
    expect(x()).toEqual([49, 59, 69, 79, 89, 99, 100]);
    expect(known()).toEqual([true, false, false, false, true, true, true]);
  });

  it("is where it belongs when the host's clock was set, before or after it was loaded", () => {
    receive(10);
    receive(11, { time_unix: 1_764_003_611 });
    fill([8, 9]);
    expect(x()).toEqual([3608, 3609, 3610, 3611]);
    fill([7], { time_unix: 1_763_000_000 });
    expect(x()[0]).toBe(3607);
  });

  it("is an interruption after a new connection, whose samples are not missed once they arrive", () => {
    receive(1);
    reconnect();
    expect(telemetry.hole()).toBeNull(); // until the first sample shows how long it was
    receive(6);
    expect(hole()).toMatchObject({ since: 1, after: { seq: 6 }, expected: 4 });
    expect(known()).toEqual([true, false, false, false, false, true]);
    expect(telemetry.store.get()).toMatchObject({ received: 2, missed: 0 });
    fill([4, 5]);
    expect(telemetry.store.get()).toMatchObject({ received: 4, missed: 0 });
    expect(known()).toEqual([true, false, false, true, true, true]);
    fill([2], {}, true);
    expect(telemetry.store.get()).toMatchObject({ received: 5, missed: 1 });
    expect(known()).toEqual([true, true, false, true, true, true]);
    expect(telemetry.hole()).toBeNull();
  });

  it("is no interruption when samples were dropped for this viewer", () => {
    receive(1);
    receive(6);
    expect(telemetry.hole()).toBeNull();
    expect(missed()).toBe(4);
  });

  it("fills the newest interruption first, and the older ones afterwards", () => {
    receive(10);
    fill([8, 9]);
    reconnect();
    receive(15);
    reconnect();
    receive(20);
    fill([16, 17, 18, 19], {}, true);
    expect(hole()).toMatchObject({ since: 10, after: { seq: 15 } });
    fill([11, 12, 13, 14], {}, true);
    expect(hole()).toMatchObject({ since: 0, after: { seq: 8 } });
    fill([6, 7], {}, true);
    expect(x()).toEqual(Array.from({ length: 15 }, (_, n) => n + 6));
    expect(telemetry.store.get()).toMatchObject({ received: 11, missed: 0 });
  });

  it("ignores samples that do not belong there", () => {
    receive(5);
    reconnect();
    receive(10);
    const into = hole();
    for (const seq of [5, 4, 10, 11]) expect(telemetry.fill(into, sampleAt(seq))).toBe(false);
    expect(telemetry.fill(into, sampleAt(8, { stream: "another" }))).toBe(false);
    expect(telemetry.fill(into, sampleAt(9))).toBe(true);
    expect(telemetry.fill(into, sampleAt(9))).toBe(false);
    expect(known().filter(Boolean)).toHaveLength(3);
  });

  it("ends with its run: what is missing of it stays missing, and the mark moves to the first sample", () => {
    receive(50);
    reconnect();
    receive(60);
    const old = hole();
    reconnect({ stream: "another" });
    const later = (seq: number) => ({
      stream: "another",
      time_unix: 1_764_000_100 + seq,
      uptime_seconds: 5100 + seq,
    });
    receive(3, later(3));
    expect(telemetry.store.get()).toMatchObject({ missed: 9, restarts: [1_764_000_103] });
    expect(telemetry.fill(old, sampleAt(59))).toBe(false);
    fill([2], later(2));
    fill([1], later(1), true);
    expect(telemetry.store.get()).toMatchObject({ missed: 9, restarts: [1_764_000_101] });
    expect(x().slice(-4)).toEqual([100, 101, 102, 103]);
    expect(known().slice(-4)).toEqual([false, true, true, true]);
  });

  it("keeps the mark of a restart at its sample when the host's clock is set", () => {
    receive(50);
    reconnect({ stream: "another" });
    const later = (seq: number, clock: number) => ({
      stream: "another",
      time_unix: 1_764_000_100 + seq + clock,
      uptime_seconds: 5100 + seq,
    });
    receive(3, later(3, 0));
    receive(4, later(4, 3600));
    expect(telemetry.store.get().restarts).toEqual([1_764_003_703]);
    fill([2], later(2, 0));
    expect(telemetry.store.get().restarts).toEqual([1_764_003_702]);
  });

  it("is forgotten once the page shows only newer samples, although it was never loaded", () => {
    receive(1);
    for (const seq of [5, 300, 602]) {
      reconnect();
      receive(seq);
    }
    expect(telemetry.store.get()).toMatchObject({ received: 4, missed: 0 });
    for (let seq = 603; seq <= 901; seq += 1) receive(seq);
    expect(hole()).toMatchObject({ since: 300, after: { seq: 602 } });
    expect(missed()).toBe(3 + 294);
  });

  it("reaches back ten minutes, and not further than the ring", () => {
    receive(700);
    expect(telemetry.holeSeconds(hole())).toBe(600);
    fill([699, 698].toReversed());
    receive(701);
    expect(telemetry.holeSeconds(hole())).toBe(597);
    const into = hole();
    for (let seq = 697; seq > 101; seq -= 1) telemetry.fill(into, sampleAt(seq));
    expect(telemetry.fill(into, sampleAt(101))).toBe(false);
    expect(telemetry.ring.length).toBe(600);
  });

  it("tells since when it is loading, how far it is, and why it failed", () => {
    receive(10);
    nowMs = 2000;
    telemetry.loading(null);
    nowMs = 3000;
    fill([9]);
    telemetry.loading({ reason: "busy", delayMs: 500 });
    expect(telemetry.store.get().loading).toEqual({
      startedAtMs: 2000,
      from: 1_764_000_009,
      reason: "busy",
      nextTryAtMs: 3500,
    });
    telemetry.idle();
    expect(telemetry.store.get().loading).toBeNull();
  });
});
