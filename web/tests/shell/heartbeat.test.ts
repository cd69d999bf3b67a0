import { expect, it } from "vitest";

import { beatsOf } from "../../src/shell/heartbeat";

const slots = (known: boolean[], late: (number | null)[] = []) => ({
  x: known.map((_, at) => at),
  known,
  column: () => known.map((_, at) => late[at] ?? null),
});

it("has a full tick for a sample, a half one for a late sample and a stub for a missed one", () => {
  expect(beatsOf(slots([true, false, true], [null, null, 1]), 2, 1, 4)).toEqual([
    "none",
    "full",
    "missed",
    "late",
  ]);
});

it("adds stubs while no sample arrives", () => {
  expect(beatsOf(slots([true, true]), 3, 1, 4)).toEqual(["full", "full", "missed", "missed"]);
});

it("keeps only the newest ticks", () => {
  expect(beatsOf(slots([true, true, true]), 500, 1, 2)).toEqual(["missed", "missed"]);
});
