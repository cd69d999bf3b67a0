import { describe, expect, it } from "vitest";

import { alertsOf, reading, watch, type Watches } from "../../src/store/thresholds";

const stall = (value: number | null) =>
  reading("io", "io stall", value, { warn: 10, critical: 30 });

/** The level after these values, one per second. */
function levelAfter(...runs: (readonly [value: number | null, seconds: number])[]) {
  let watches: Watches = new Map();
  let at = 0;
  for (const [value, seconds] of runs) {
    for (let n = 0; n < seconds; n += 1) watches = watch(watches, [stall(value)], (at += 1));
  }
  return alertsOf(watches).get("io")?.level ?? null;
}

describe("an alert", () => {
  it("fires after ten seconds above the limit", () => {
    expect([levelAfter([28, 10]), levelAfter([28, 11])]).toEqual([null, "warn"]);
  });

  it("does not fire when the value was below the limit in between", () => {
    expect(levelAfter([28, 9], [2, 1], [28, 9])).toBeNull();
  });

  it("resolves after thirty seconds below 80 % of the limit", () => {
    expect(levelAfter([28, 11], [7, 30])).toBe("warn");
    expect(levelAfter([28, 11], [7, 31])).toBeNull();
    expect(levelAfter([28, 11], [9, 300])).toBe("warn");
  });

  it("becomes critical, and a warning again while the value is still above that limit", () => {
    expect(levelAfter([40, 11])).toBe("critical");
    expect(levelAfter([40, 11], [20, 31])).toBe("warn");
  });

  it("does not change while the value is not known", () => {
    expect(levelAfter([28, 11], [null, 60])).toBe("warn");
  });

  it("is forgotten together with its device", () => {
    const watches = watch(watch(new Map(), [stall(28)], 1), [], 2);
    expect(watches.size).toBe(0);
  });
});
