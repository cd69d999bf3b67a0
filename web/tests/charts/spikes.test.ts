import { describe, expect, it } from "vitest";

import { plotData } from "../../src/charts/plot-data";
import type { ChartSpec } from "../../src/charts/spec";
import { mainCurve, spikesOf, spikeText } from "../../src/charts/spikes";
import { clock } from "../../src/format/time";
import { Ring } from "../../src/store/ring";

const WINDOW = { from: 0, to: 100 };
const x = Array.from({ length: 101 }, (_, at) => at);
/** A level of 10 with a little noise, and other values at some places. */
const curve = (changes: Record<number, number | null> = {}) => ({
  label: "user",
  values: x.map((at) => (at in changes ? (changes[at] ?? null) : 10 + (at % 3))),
});
const found = (changes: Record<number, number | null>, top = 100) =>
  spikesOf(curve(changes), x, WINDOW, top).map((spike) => [spike.x, spike.value]);

describe("a spike", () => {
  it("is the highest point of a short rise, far above the level of the window", () => {
    expect(found({ 40: 60, 41: 80, 42: 70 })).toEqual([[41, 80]]);
  });

  it.each([
    ["noise", {}, 100],
    ["a rise that is small on the scale", { 41: 29 }, 100],
    ["a high value before the window", { 0: 5 }, 100],
  ])("is not %s", (_, changes, top) => {
    expect(found(changes, top)).toEqual([]);
  });

  it("is not a plateau, nor the highest point of a curve that always moves", () => {
    const plateau = Object.fromEntries(x.slice(30).map((at) => [at, 80 + (at % 5)]));
    expect(found(plateau)).toEqual([]);
    const shorter = Object.fromEntries(x.slice(75).map((at) => [at, 80 + (at % 5)]));
    expect(found(shorter)).toEqual([]);
    const waves = Object.fromEntries(x.map((at) => [at, 50 + 45 * Math.sin(at / 4)]));
    expect(found(waves)).toEqual([]);
  });

  it("needs some values around it, and is not made by a gap", () => {
    const few = Object.fromEntries(x.slice(15).map((at) => [at, null]));
    expect(found({ ...few, 10: 90 })).toEqual([]);
    expect(found({ 40: null, 41: null })).toEqual([]);
  });

  it("is one of at most three, apart from each other and with a valley between", () => {
    expect(found({ 10: 60, 12: 50, 40: 90, 70: 80, 95: 70 })).toEqual([
      [40, 90],
      [70, 80],
      [95, 70],
    ]);
    const hill = Object.fromEntries(x.slice(30, 48).map((at) => [at, 70]));
    expect(found({ ...hill, 31: 90, 47: 80 })).toEqual([[31, 90]]);
  });

  it("is looked for only in the window", () => {
    expect(spikesOf(curve({ 5: 90 }), x, { from: 50, to: 100 }, 100)).toEqual([]);
  });
});

describe("the main curve", () => {
  const ring = new Ring(5);
  ring.put(1, Object.entries({ a: 9, b: 1, free: 5 }));
  ring.put(2, Object.entries({ a: 1, b: 3, free: 5 }));
  const slice = ring.slice(0, 9);
  const spec: ChartSpec = {
    name: "CPU",
    unit: "%",
    kind: "lines",
    format: String,
    series: [
      { label: "a", columns: ["a"], colour: "s1" },
      { label: "b", columns: ["b"], colour: "s2" },
      { label: "free", columns: ["free"], colour: "free" },
    ],
  };
  const main = (one: ChartSpec, from: number, alone: string | null = null) => {
    const curveOf = mainCurve(one, plotData(one, slice, alone), alone, { from, to: 9 });
    return curveOf && [curveOf.label, ...curveOf.values];
  };

  it("of lines is the one with the highest value in the window", () => {
    expect(main(spec, 0)).toEqual(["a", 9, 1]);
    expect(main(spec, 2)).toEqual(["b", 1, 3]);
  });

  it("of a stack is its top without free parts, unless the chart has another one", () => {
    const stack: ChartSpec = { ...spec, kind: "stack" };
    expect(main(stack, 0)).toEqual([null, 10, 4]);
    expect(main({ ...stack, main: "a" }, 0)).toEqual(["a", 9, 1]);
  });

  it("is the series that is shown alone, and cells have none", () => {
    expect(main({ ...spec, kind: "stack" }, 0, "b")).toEqual(["b", 1, 3]);
    expect(main({ ...spec, kind: "cells" }, 0)).toBeNull();
  });
});

it("the text of a spike has its value, its time and the processes of that moment", () => {
  const spike = { x: 1_764_000_000, value: 44, text: "44 %", processes: ["restic 96 %"] };
  const time = clock(spike.x);
  expect(spikeText({ ...spike, label: null })).toBe(`44 % at ${time}, restic 96 %`);
  expect(spikeText({ ...spike, label: "sent", processes: [] })).toBe(`sent 44 % at ${time}`);
});
