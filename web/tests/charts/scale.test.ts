import { describe, expect, it } from "vitest";

import { tickText } from "../../src/charts/scene";
import type { ChartSpec } from "../../src/charts/spec";
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
  ])("rounds %s (at least %s) up to %s", (value, floor, top) => {
    expect(roundTop(value, floor)).toBeCloseTo(top, 12);
  });

  it.each([
    [0, 1024, "KiB"],
    [500, 1024, "KiB"],
    [203 * MIB, 300 * MIB, "MiB"],
    [999 * 1024, MIB, "MiB"],
    [1023 * 1024, MIB, "MiB"],
    [1.5 * MIB, 2 * MIB, "MiB"],
  ])("rounds %s bytes to %s, written in %s", (value, top, unit) => {
    expect([roundByteTop(value), byteUnit(roundByteTop(value)).name]).toEqual([top, unit]);
  });
});

describe("ticks", () => {
  const plain = {} as ChartSpec;
  it.each([
    [plain, 100, ["0", "50", "100"]],
    [plain, 1, ["0", "0.5", "1"]],
    [plain, 3000, ["0", "1500", "3000"]],
    [{ ...plain, bytes: true }, 15.3 * 2 ** 30, ["0", "7.7", "15"]],
    [{ ...plain, bytes: true }, 300 * MIB, ["0", "150", "300"]],
  ])("are bare numbers in one unit", (spec, top, texts) => {
    expect([0, top / 2, top].map((value) => tickText(spec, value, top))).toEqual(texts);
  });
});

describe("the time axis", () => {
  it.each([
    [60, 15],
    [300, 60],
    [600, 120],
    [20, 5],
  ])("has a label each so many seconds: in a window of %s, %s", (window, step) => {
    expect(timeStep(window)).toBe(step);
  });

  it("stands at round times, not at round distances", () => {
    expect(timeTicks(1_764_000_007, 1_764_000_190)).toEqual([
      1_764_000_060, 1_764_000_120, 1_764_000_180,
    ]);
  });
});
