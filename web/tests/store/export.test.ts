import { expect, it } from "vitest";

import { toCsv, toJson } from "../../src/store/export";
import { Ring } from "../../src/store/ring";

function slice() {
  const ring = new Ring(4);
  ring.push(1_764_000_001, [
    ["load.avg1", 7.55],
    ['=cmd,"x"', 1],
  ]);
  ring.pushHole(1_764_000_002);
  return { slice: ring.slice(0, Infinity), names: ring.names };
}

it("writes one row per slot, empty in a hole, and no name that a spreadsheet would run", () => {
  const { slice: window, names } = slice();
  expect(toCsv(window, names).split("\r\n")).toEqual([
    `time,time_unix,"'=cmd,""x""",load.avg1`,
    "2025-11-24T16:00:01.000Z,1764000001.000,1,7.55",
    "2025-11-24T16:00:02.000Z,1764000002.000,,",
    "",
  ]);
});

it("writes JSON that keeps null apart from zero", () => {
  const { slice: window, names } = slice();
  expect(JSON.parse(toJson(window, names, "ada"))).toMatchObject({
    host: "ada",
    known: [true, false],
    columns: { "load.avg1": [7.55, null] },
  });
});
