import { describe, expect, it } from "vitest";

import { plotData, yAxisOf } from "../../src/charts/plot-data";
import { indexAt, newestIndex, valuesOf, type ChartSpec } from "../../src/charts/spec";
import { Ring } from "../../src/store/ring";

const spec: ChartSpec = {
  name: "CPU",
  unit: "%",
  kind: "stack",
  full: 100,
  format: String,
  series: [
    { label: "user", columns: ["user", "nice"], colour: "s1" },
    { label: "system", columns: ["system"], colour: "s2" },
    { label: "free", columns: ["free"], colour: "free" },
  ],
};

function slice() {
  const ring = new Ring(5);
  ring.put(1, Object.entries({ user: 10, nice: 2, system: 5, free: 83 }));
  ring.put(3, Object.entries({ user: 20, system: 6, free: 74 }));
  return ring.slice(0, 9);
}

describe("plotData", () => {
  it("stacks layers and leaves a gap where nothing is known", () => {
    const data = plotData(spec, slice(), null);
    expect(data.columns[0]).toEqual([12, null, 20]);
    expect(data.columns[1]).toEqual([17, null, 26]);
    expect(data.columns[2]).toEqual([null, null, null]);
    expect(data.highest).toBe(26);
  });

  it("draws one series alone when it is chosen", () => {
    const data = plotData(spec, slice(), "system");
    expect(data.columns.slice(0, 2)).toEqual([
      [null, null, null],
      [5, null, 6],
    ]);
  });

  it("does not stack lines", () => {
    expect(plotData({ ...spec, kind: "lines" }, slice(), null).columns[1]).toEqual([5, null, 6]);
  });

  it("has the full scale where there is one, and bytes in one unit", () => {
    expect(yAxisOf(spec, 26)).toEqual({ top: 100, unit: "%" });
    const { full: _, ...rates } = { ...spec, bytes: true, unit: "/s" };
    expect(yAxisOf(rates, 203 * 2 ** 20)).toEqual({ top: 300 * 2 ** 20, unit: "MiB/s" });
  });
});

describe("a series", () => {
  it("can be the highest of its columns", () => {
    expect(
      valuesOf({ label: "wait", columns: ["nice", "system"], join: "max", colour: "s1" }, slice()),
    ).toEqual([5, null, 6]);
  });

  it("is read at the nearest slot, within one and a half of its span", () => {
    const here = slice();
    expect([indexAt(here, 3.4), indexAt(here, 0.9), indexAt(here, 40), newestIndex(here)]).toEqual([
      2, 0, -1, 2,
    ]);
    const idle = { x: [10, 20, 21], spans: [10, 10, 1] };
    expect([indexAt(idle, 14), indexAt(idle, 16), indexAt(idle, 23)]).toEqual([0, 1, -1]);
  });
});
