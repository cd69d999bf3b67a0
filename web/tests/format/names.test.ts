import { expect, it } from "vitest";

import { shortCpu, splitUnit } from "../../src/format/names";

it.each([
  ["AMD Ryzen 9 7950X 16-Core Processor", "Ryzen 9 7950X"],
  ["Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", "Core i7-8550U"],
  ["Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "Xeon Platinum 8375C"],
  ["Cortex-A72", "Cortex-A72"],
])("shortens %s to %s", (model, short) => {
  expect(shortCpu(model)).toBe(short);
});

it("reads each space of a model once, however many a host sends", () => {
  expect(shortCpu(`Xeon${" ".repeat(300_000)}8375C CPU  @ 2.90GHz`)).toBe("Xeon 8375C");
});

it.each([
  ["oldest_seconds", "oldest", "duration"],
  ["in_bytes_per_second", "in", "byteRate"],
  ["jobs_per_second", "jobs", "perSecond"],
  ["waiting_jobs", "waiting jobs", "count"],
  ["_bytes", " bytes", "count"],
])("splits %s into the name %s and the unit %s", (key, name, unit) => {
  expect(splitUnit(key)).toEqual({ name, unit });
});
