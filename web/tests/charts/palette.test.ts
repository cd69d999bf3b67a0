import { expect, it } from "vitest";

import { grey, pixelOf, withAlpha } from "../../src/charts/palette";

it("makes a colour grey with the same lightness", () => {
  expect(grey("#5893ee", 0.55)).toBe("rgb(141 141 141 / 0.55)");
});

it("adds an alpha to a colour, and returns other notations unchanged", () => {
  expect([withAlpha("#5893ee", 0.26), withAlpha("transparent", 0.5)]).toEqual([
    "rgb(88 147 238 / 0.260)",
    "transparent",
  ]);
});

it("makes a colour a pixel, with its alpha", () => {
  const bytes = (colour: string) => [...new Uint8Array(new Uint32Array([pixelOf(colour)]).buffer)];
  expect(bytes("#5893ee")).toEqual([88, 147, 238, 255]);
  expect(bytes(grey("#5893ee", 0.55))).toEqual([141, 141, 141, 140]);
  expect(bytes("unknown")).toEqual([0, 0, 0, 0]);
});
