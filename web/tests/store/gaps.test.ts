import { expect, it } from "vitest";

import { gapsOf } from "../../src/store/gaps";

const slots = (known: boolean[]) => ({ x: known.map((_, at) => 100 + at), known });

it.each([
  ["has no gap when every slot has a sample", [true, true, true], 102, []],
  [
    "has a gap from the last sample before it to the first one after it",
    [true, false, false, true],
    103,
    [{ from: 100, to: 103 }],
  ],
  ["extends an open gap to the edge", [true, true, false], 104, [{ from: 101, to: 104 }]],
  ["opens a gap in a silence", [true, true], 105, [{ from: 101, to: 105 }]],
  ["opens no gap before the next tick is due", [true, true], 102, []],
  ["begins with the window at the latest", [false, false, true], 102, [{ from: 100, to: 102 }]],
  [
    "keeps two gaps apart",
    [true, false, true, false, true],
    104,
    [
      { from: 100, to: 102 },
      { from: 102, to: 104 },
    ],
  ],
])("%s", (_, known, edge, gaps) => {
  expect(gapsOf(slots(known), edge, 1)).toEqual(gaps);
});
