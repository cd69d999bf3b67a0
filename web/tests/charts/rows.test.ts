import { expect, it } from "vitest";

import { perRow, rowNames } from "../../src/charts/rows";
import { flatten } from "../../src/store/flatten";
import { Ring } from "../../src/store/ring";
import { sampleAt } from "../support/frames";

const disks = Array.from({ length: 50 }, (_, n) => ({ name: `sd${n}`, util_percent: n }));
const names = rowNames(disks);
const ring = new Ring(2);
ring.put(1, flatten(sampleAt(1, { disks })));

it("draws as many devices as there are colours, and counts the rest", () => {
  const { series, more } = perRow(null, "disks", names, ["util_percent"]);
  expect([series.length, more]).toEqual([8, 42]);
  expect(new Set(series.map(({ colour }) => colour)).size).toBe(8);
});

it("draws the busiest devices of the window, in the host's order", () => {
  const { series } = perRow(ring.slice(0, 9), "disks", names, ["util_percent"]);
  expect(series.map(({ label }) => label)).toEqual(
    [42, 43, 44, 45, 46, 47, 48, 49].map((n) => `sd${n}`),
  );
});

it("calls a sensor by its label, and by its key where another one has the same label", () => {
  const sensor = (label: string | null, name: string) => ({ chip: "smm", label, sensor: name });
  const sensors = [sensor("CPU", "temp1"), sensor("Other", "temp2"), sensor("Other", "temp3")];
  const { series } = perRow(null, "temperatures", rowNames([...sensors, sensor(null, "temp4")]), [
    "celsius",
  ]);
  expect(series.map(({ label }) => label)).toEqual([
    "smm CPU",
    "smm Other temp2",
    "smm Other temp3",
    "smm temp4",
  ]);
  expect(series.map(({ columns }) => columns[0])).toEqual([
    "temperatures.smm CPU temp1.celsius",
    "temperatures.smm Other temp2.celsius",
    "temperatures.smm Other temp3.celsius",
    "temperatures.smm temp4.celsius",
  ]);
});
