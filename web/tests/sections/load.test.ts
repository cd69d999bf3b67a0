// @vitest-environment jsdom
import { describe, expect, it, vi } from "vitest";

import { section } from "../../src/sections/load";
import { golden, sampleAt, sampleText, sampleWithout } from "../support/frames";
import { connect, installPage } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

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

describe("the tile", () => {
  installPage();

  it.each([
    [{ online_count: 4 }, "50%"],
    [{}, "0%"],
  ])("compares the load with the number of cores, if that is known: %j", async (cpu, width) => {
    await connect(golden("hello"), sampleText({ cpu, load: { avg1: 3 } }));
    const bar = document.querySelector<HTMLElement>("[data-focus=load] .meter");
    expect(bar?.style.width).toBe(width);
  });
});
