import { expect, it } from "vitest";

import { flatten, rowKey } from "../../src/store/flatten";
import { sampleAt } from "../support/frames";

it("names every number by its place, and leaves out what is not known", () => {
  const columns = new Map(flatten(sampleAt(1)));
  expect(columns.get("cpu.usage_percent")).toBe(29.4);
  expect(columns.get("self.viewers")).toBe(3);
  expect(columns.has("swap.used_percent")).toBe(false);
});

it("names cores by the kernel's id, not by their place in the list", () => {
  const columns = new Map(flatten(sampleAt(1)));
  expect(columns.get("cpu.cores.3.usage_percent")).toBe(64);
  expect(columns.has("cpu.cores.3.id")).toBe(false);
});

it("includes the numbers of an embedding program", () => {
  const lanes = [{ name: "fast", depth: 2 }, {}, 5];
  const columns = new Map(flatten(sampleAt(1, { job_queue: { waiting: 17, lanes } })));
  expect(columns.get("job_queue.waiting")).toBe(17);
  expect(columns.get("job_queue.lanes.fast.depth")).toBe(2);
});

it.each([
  [{ name: "sda", device: "8:0" }, "sda"],
  [{ id: 3 }, "3"],
  [
    { chip: "coretemp", device: "coretemp.1", label: "Core 0", sensor: "temp2" },
    "coretemp coretemp.1 Core 0 temp2",
  ],
  [{ chip: "nvme", label: null, sensor: "temp1" }, "nvme temp1"],
  [{ value: 3 }, null],
])("the key of the row %j is %s", (row, key) => {
  expect(rowKey(row)).toBe(key);
});

it("keeps sensors apart that their chip calls the same", () => {
  const sensor = (name: string) => ({
    chip: "dell_smm",
    device: "d",
    sensor: name,
    label: "Other",
  });
  const power = {
    fans: [
      { ...sensor("fan1"), rpm: 900 },
      { ...sensor("fan2"), rpm: 1200 },
    ],
    meters: [
      { ...sensor("power1"), watts: 30 },
      { ...sensor("power2"), watts: 50 },
    ],
  };
  const temperatures = [
    { ...sensor("temp5"), celsius: 40 },
    { ...sensor("temp6"), celsius: 71 },
  ];
  const columns = flatten(sampleAt(1, { power, temperatures }));
  const valuesOf = (unit: string) =>
    Object.fromEntries(columns.filter(([name]) => name.endsWith(unit)));
  expect(valuesOf(".celsius")).toEqual({
    "temperatures.dell_smm d Other temp5.celsius": 40,
    "temperatures.dell_smm d Other temp6.celsius": 71,
  });
  expect(Object.keys(valuesOf(".rpm"))).toHaveLength(2);
  expect(Object.keys(valuesOf(".watts"))).toHaveLength(2);
});
