import { expect, it } from "vitest";

import { pathOf, rangeOf } from "../../src/charts/spark";

const y = (value: number) => 100 - value;

it("breaks the line at an unknown value", () => {
  expect(pathOf([10, 11, 12, 13, 14], [1, 2, null, 4, 5], 10, y, false)).toBe(
    "M0.0 99.0L1.0 98.0M3.0 96.0L4.0 95.0",
  );
});

it("draws steps", () => {
  expect(pathOf([10, 11], [1, 2], 10, y, true)).toBe("M0.0 99.0H1.0V98.0");
});

it("has at least the smallest range, around the values or from zero", () => {
  expect(rangeOf([50, 52], 30, false)).toEqual({ low: 36, high: 66 });
  expect(rangeOf([20], 60, true)).toEqual({ low: 0, high: 60 });
  expect(rangeOf([], 60, true)).toEqual({ low: 0, high: 60 });
});
