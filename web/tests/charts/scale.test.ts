import { describe, expect, it } from "vitest";

import { byteUnit, roundByteTop, roundTop, timeStep, timeTicks } from "../../src/charts/scale";

const MIB = 2 ** 20;

describe("the y axis", () => {
  it.each([
    [0, 1, 1],
    [0.2, 10, 10],
    [3, 1, 3],
    [3.01, 1, 4],
    [6.5, 1, 8],
    [8.1, 1, 10],
    [28, 10, 30],
    [2791, 1, 3000],
    [0.3, 0.1, 0.3],
  ])("rounds %s, but at least %s, up to %s", (value, floor, top) => {
    expect(roundTop(value, floor)).toBeCloseTo(top, 12);
  });

  it.each([
    [0, 1024, "KiB"],
    [500, 1024, "KiB"],
    [203 * MIB, 300 * MIB, "MiB"],
    [999 * 1024, MIB, "MiB"],
    [1023 * 1024, MIB, "MiB"],
    [1.5 * MIB, 2 * MIB, "MiB"],
  ])("rounds %s bytes up to %s in %s", (value, top, unit) => {
    expect([roundByteTop(value), byteUnit(roundByteTop(value)).name]).toEqual([top, unit]);
  });
});

describe("the time axis", () => {
  it.each([
    [60, 15],
    [300, 60],
    [600, 120],
    [20, 5],
  ])("of a window of %s s has a tick every %s s", (window, step) => {
    expect(timeStep(window)).toBe(step);
  });

  it("has its ticks at round times", () => {
    expect(timeTicks(1_764_000_007, 1_764_000_190)).toEqual([
      1_764_000_060, 1_764_000_120, 1_764_000_180,
    ]);
  });
});
