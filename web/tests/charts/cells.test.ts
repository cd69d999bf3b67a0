import { expect, it } from "vitest";

import { cellPixels } from "../../src/charts/cells";

const HEAT = [10, 11, 12, 13, 14, 15, 16, 17];

it("draws a line per series from the bottom, a cell per slot, and nothing for an unknown value", () => {
  const rows = [
    [0, 12.5, null],
    [100, 99, -1],
  ];
  const pixels = new Uint32Array(cellPixels(rows, [0, 2, 3], [2, 3, 5], 6, HEAT).buffer);
  expect([...pixels]).toEqual([17, 17, 17, 10, 10, 0, 10, 10, 11, 0, 0, 0]);
});
