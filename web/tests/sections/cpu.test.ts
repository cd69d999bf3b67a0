import { expect, it } from "vitest";

import { columnsOf } from "../../src/sections";
import { section } from "../../src/sections/cpu";
import { sampleAt } from "../support/frames";

const draw = section.vital?.chart.draw;

it("names cores by the kernel's id", () => {
  const spec = draw?.({ sample: sampleAt(1), facet: "cores", slice: null, focused: true });
  expect(spec?.series.map(({ label }) => label)).toEqual(["core 0", "core 1", "core 3"]);
});

it("remembers one number per core, because a hundred cores with ten would fill the ring", () => {
  const names = columnsOf(sampleAt(1)).map(([name]) => name);
  expect(names.filter((name) => name.startsWith("cpu.cores."))).toEqual([
    "cpu.cores.0.usage_percent",
    "cpu.cores.1.usage_percent",
    "cpu.cores.3.usage_percent",
  ]);
});
