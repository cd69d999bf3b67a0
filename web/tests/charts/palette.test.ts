import { expect, it } from "vitest";

import { grey, withAlpha } from "../../src/charts/palette";

it("takes the hue out and keeps the lightness", () => {
  expect(grey("#5893ee", 0.55)).toBe("rgb(141 141 141 / 0.55)");
});

it("puts an alpha on a colour, and leaves alone what it does not know", () => {
  expect([withAlpha("#5893ee", 0.26), withAlpha("transparent", 0.5)]).toEqual([
    "rgb(88 147 238 / 0.260)",
    "transparent",
  ]);
});
