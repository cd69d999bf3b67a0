import { describe, expect, it } from "vitest";

import { chartsFor, FACETS } from "../../src/charts/catalogue";
import { flatten } from "../../src/store/flatten";
import { Ring } from "../../src/store/ring";
import { FOCI } from "../../src/store/view";
import { decodeSample } from "../../src/protocol/decode";
import { goldenObject, sampleAt } from "../support/frames";

const ids = (sample: Parameters<typeof chartsFor>[0], focus: Parameters<typeof chartsFor>[1]) =>
  chartsFor(sample, focus, {}).map(({ name }) => name);

describe("the charts", () => {
  it("stand in five places before the first sample, and stay there", () => {
    const places = ["CPU", "Memory", "Pressure", "Network", "Disk"];
    expect(ids(null, "cpu")).toEqual(places);
    expect(ids(sampleAt(1), "cpu")).toEqual(places);
  });

  it("let load and heat take the places of pressure and disk while in focus", () => {
    expect(ids(sampleAt(1), "load")).toContain("Load");
    expect(ids(sampleAt(1), "heat")).toEqual([
      "CPU",
      "Memory",
      "Pressure",
      "Network",
      "Temperature",
    ]);
  });

  it("do without what the host has not", () => {
    const {
      pressure: _p,
      disk: _d,
      disks: _ds,
      temperatures: _t,
      ...rest
    } = goldenObject("sample");
    expect(ids(decodeSample(rest), "heat")).toEqual(["CPU", "Memory", "Load", "Network"]);
  });

  it("read only columns that a sample fills: no name is misspelled", () => {
    const columns = new Set(flatten(sampleAt(1)).map(([name]) => name));
    const quiet = /(read|write)_await_ms$|dm-0.util_percent$/; // null in the golden sample
    for (const focus of FOCI) {
      for (const facet of FACETS[focus]) {
        for (const { series } of chartsFor(sampleAt(1), focus, { [focus]: facet })) {
          for (const name of series.flatMap((one) => one.columns)) {
            if (!quiet.test(name)) expect(columns).toContain(name);
          }
        }
      }
    }
  });

  it("draw as many devices as can be told apart, and count the rest", () => {
    const disks = Array.from({ length: 50 }, (_, n) => ({
      name: `sd${n}`,
      kind: "disk",
      util_percent: n,
    }));
    const spec = chartsFor(sampleAt(1, { disks }), "disk", { disk: "busy" }).at(-1);
    expect([spec?.series.length, spec?.more]).toEqual([8, 42]);
  });

  it("draw the busiest of the window when there are too many, in the host's order", () => {
    const disks = Array.from({ length: 50 }, (_, n) => ({
      name: `sd${n}`,
      kind: "disk",
      util_percent: n,
    }));
    const ring = new Ring(2);
    ring.push(1, flatten(sampleAt(1, { disks })));
    const spec = chartsFor(sampleAt(1, { disks }), "disk", { disk: "busy" }, ring.slice(0, 9)).at(
      -1,
    );
    expect(spec?.series.map(({ label }) => label)).toEqual(
      [42, 43, 44, 45, 46, 47, 48, 49].map((n) => `sd${n}`),
    );
    expect(new Set(spec?.series.map(({ colour }) => colour)).size).toBe(8);
  });

  it("name cores by the kernel's id", () => {
    const [cores] = chartsFor(sampleAt(1), "cpu", { cpu: "cores" });
    expect(cores?.series.map(({ label }) => label)).toEqual(["core 0", "core 1", "core 3"]);
  });
});
