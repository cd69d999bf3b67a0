import { describe, expect, it } from "vitest";

import { section } from "../../src/sections/load";
import { sampleAt, sampleWithout } from "../support/frames";

describe("the chart", () => {
  const nameOf = (focused: boolean, sample = sampleAt(1), facet = "load") =>
    section.vital?.chart.draw({ sample, facet, slice: null, focused }).name;

  it("shows pressure until load is in focus", () => {
    expect([nameOf(false), nameOf(true), nameOf(true, sampleAt(1), "stalled")]).toEqual([
      "Pressure",
      "Load",
      "Pressure",
    ]);
  });

  it("shows load where the kernel does not measure pressure", () => {
    expect(nameOf(false, sampleWithout("pressure"))).toBe("Load");
  });
});
