import { expect, it } from "vitest";

import { placeOf } from "../../src/charts/draw-spikes";

const PLOT = { left: 44, top: 20, width: 400, height: 100 };
const LABEL = { width: 120, height: 26 };
const place = (x: number, y: number, left = 0) => placeOf({ x, y }, LABEL, PLOT, { gap: 7, left });

it("puts a label at the right of its point, or at the left where it would leave the plot", () => {
  expect(place(100, 60)).toMatchObject({ left: 107, top: 47 });
  expect(place(400, 60)).toMatchObject({ left: 273 });
});

it("keeps a label inside the plot, away from the axes", () => {
  expect(place(100, 20).top).toBe(20);
  expect(place(100, 119).top).toBe(94);
  const narrow = placeOf({ x: 60, y: 60 }, { width: 400, height: 13 }, PLOT, { gap: 7, left: 34 });
  expect(narrow.left).toBe(78);
});
