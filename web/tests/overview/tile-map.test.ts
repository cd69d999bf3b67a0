// @vitest-environment jsdom
import { expect, it } from "vitest";

import { heatOf } from "../../src/overview/tile-map";

it.each([
  ["cpu", 0, 0],
  ["cpu", 12.4, 0],
  ["cpu", 12.5, 1],
  ["memory", 100, 7],
  ["filesystem", 104, 7],
  ["celsius", 20, 0],
  ["celsius", 60, 4],
  ["celsius", 120, 7],
  ["rx", 0, 0],
  ["rx", 1000, 4],
  ["rx", 1_000_000, 7],
  ["tx", -1, 0],
] as const)("the strip of %s at %s has step %s", (column, value, step) => {
  expect(heatOf(value, column, 1_000_000)).toBe(step);
});

it("an unknown value has the first step", () => {
  expect(heatOf(null, "cpu", 1)).toBe(0);
});
