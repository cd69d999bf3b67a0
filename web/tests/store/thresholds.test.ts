import { describe, expect, it } from "vitest";

import {
  alertsOf,
  readingsOf,
  watch,
  type Reading,
  type Watches,
} from "../../src/store/thresholds";
import { sampleAt } from "../support/frames";

const stall = (value: number | null): Reading => ({
  id: "io",
  what: "io stall",
  value,
  warn: 10,
  critical: 30,
});

/** One value a second; what stands at the end. */
function after(...runs: (readonly [value: number | null, seconds: number])[]) {
  let watches: Watches = new Map();
  let at = 0;
  for (const [value, seconds] of runs) {
    for (let n = 0; n < seconds; n += 1) watches = watch(watches, [stall(value)], (at += 1));
  }
  return alertsOf(watches).get("io")?.level ?? null;
}

describe("a threshold", () => {
  it("comes on after ten seconds above, not before", () => {
    expect([after([28, 10]), after([28, 11])]).toEqual([null, "warn"]);
  });

  it("does not count seconds above that were apart", () => {
    expect(after([28, 9], [2, 1], [28, 9])).toBeNull();
  });

  it("goes off after thirty seconds below 80 % of it", () => {
    expect(after([28, 11], [7, 30])).toBe("warn");
    expect(after([28, 11], [7, 31])).toBeNull();
    expect(after([28, 11], [9, 300])).toBe("warn");
  });

  it("becomes critical, and steps back to warn while that still holds", () => {
    expect(after([40, 11])).toBe("critical");
    expect(after([40, 11], [20, 31])).toBe("warn");
  });

  it("keeps what it knew while nothing is known", () => {
    expect(after([28, 11], [null, 60])).toBe("warn");
  });

  it("is forgotten with the device it was about", () => {
    const watches = watch(watch(new Map(), [stall(28)], 1), [], 2);
    expect(watches.size).toBe(0);
  });
});

describe("readings", () => {
  const of = (changes: Record<string, unknown> = {}) =>
    new Map(readingsOf(sampleAt(1, changes)).map((one) => [one.id, one]));

  it("judge load only where there is no pressure to read", () => {
    expect(of().has("load")).toBe(false);
    expect(of({ pressure: undefined }).get("load")).toMatchObject({ warn: 2, critical: null });
  });

  it("never judge CPU use", () => {
    expect([...of().keys()].filter((id) => /cpu|usage/.test(id))).toEqual(["stall.cpu"]);
  });

  it("leave a filesystem alone that does not answer", () => {
    expect(of().has("filesystem:/mnt/nas")).toBe(false);
    expect(of().get("filesystem:/srv")).toMatchObject({ value: 91.2, warn: 90 });
  });

  it("take a sensor's own limits, and none where it has none", () => {
    expect(of().get("heat:k10temp 0000:00:18.3 Tctl")).toMatchObject({ warn: 85, critical: 95 });
    expect(of().get("heat:nvme nvme0 Composite")).toMatchObject({ warn: null, critical: null });
  });

  it("measure a link in decimal bits against its speed", () => {
    expect(of().get("link:enp5s0")?.value).toBeCloseTo(62.3, 1);
    expect(of().get("link:docker0")?.value).toBeNull();
  });
});
