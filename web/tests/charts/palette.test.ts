import { expect, it } from "vitest";

import { grey, withAlpha } from "../../src/charts/palette";

it("makes a colour grey with the same lightness", () => {
  expect(grey("#5893ee", 0.55)).toBe("rgb(141 141 141 / 0.55)");
});

it("adds an alpha to a colour, and returns other notations unchanged", () => {
  expect([withAlpha("#5893ee", 0.26), withAlpha("transparent", 0.5)]).toEqual([
    "rgb(88 147 238 / 0.260)",
    "transparent",
  ]);
});
