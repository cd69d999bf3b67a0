import { describe, expect, it } from "vitest";

import { alertsOf, reading, watch, type Watches } from "../../src/store/thresholds";

const stall = (value: number | null) =>
  reading("io", "io stall", value, { warn: 10, critical: 30, margin: 2 });

const next = (watches: Watches, value: number | null, at: number, afterGap = false) =>
  watch(watches, [stall(value)], { at, afterGap });
const levelIn = (watches: Watches) => alertsOf(watches).get("io")?.level ?? null;

/** The level after these values, one per second. */
function levelAfter(...runs: (readonly [value: number | null, seconds: number])[]) {
  let watches: Watches = new Map();
  let at = 0;
  for (const [value, seconds] of runs) {
    for (let n = 0; n < seconds; n += 1) watches = next(watches, value, (at += 1));
  }
  return levelIn(watches);
}

describe("an alert", () => {
  it("fires after ten seconds above the limit", () => {
    expect([levelAfter([28, 10]), levelAfter([28, 11])]).toEqual([null, "warn"]);
  });

  it("does not fire when the value was below the limit in between", () => {
    expect(levelAfter([28, 9], [2, 1], [28, 9])).toBeNull();
  });

  it("resolves after thirty seconds at or below the limit minus the margin", () => {
    expect(levelAfter([28, 11], [7, 30])).toBe("warn");
    expect(levelAfter([28, 11], [7, 31])).toBeNull();
    expect(levelAfter([28, 11], [8, 31])).toBeNull();
    expect(levelAfter([28, 11], [8.1, 300])).toBe("warn");
  });

  it("becomes critical, and a warning again while the value is still above that limit", () => {
    expect(levelAfter([40, 11])).toBe("critical");
    expect(levelAfter([40, 11], [20, 31])).toBe("warn");
  });

  it("does not change while the value is unknown, and ends after a minute", () => {
    expect(levelAfter([28, 11], [null, 59])).toBe("warn");
    expect(levelAfter([28, 11], [null, 60])).toBeNull();
  });

  it("counts anew after an unknown value", () => {
    expect(levelAfter([28, 9], [null, 1], [28, 10])).toBeNull();
    expect(levelAfter([28, 9], [null, 1], [28, 11])).toBe("warn");
    expect(levelAfter([28, 11], [7, 29], [null, 1], [7, 30])).toBe("warn");
  });

  it("counts anew after a gap, and ends in a gap of a minute", () => {
    const pending = next(new Map(), 28, 0);
    expect(levelIn(next(pending, 28, 30, true))).toBeNull();
    expect(levelIn(next(next(pending, 28, 30, true), 28, 40))).toBe("warn");
    const fired = next(pending, 28, 10);
    expect(levelIn(fired)).toBe("warn");
    expect(levelIn(next(fired, 28, 69, true))).toBe("warn");
    expect(levelIn(next(fired, 28, 70, true))).toBeNull();
  });

  it("fires for a server that takes a sample per minute", () => {
    expect(levelIn(next(next(new Map(), 28, 0), 28, 60))).toBe("warn");
  });

  it("is forgotten together with its device", () => {
    const watches = watch(next(new Map(), 28, 1), [], { at: 2, afterGap: false });
    expect(watches.size).toBe(0);
  });
});
