import { expect, it } from "vitest";

import { gapsOf } from "../../src/store/gaps";

const slots = (known: boolean[]) => ({ x: known.map((_, at) => 100 + at), known });

it.each([
  ["none in a full row", [true, true, true], 102, []],
  [
    "from the last sample before to the first after",
    [true, false, false, true],
    103,
    [{ from: 100, to: 103 }],
  ],
  ["one that is still open reaches the edge", [true, true, false], 104, [{ from: 101, to: 104 }]],
  ["silence opens one by itself", [true, true], 105, [{ from: 101, to: 105 }]],
  ["a tick that is not due yet is none", [true, true], 102, []],
  ["one that began before the window", [false, false, true], 102, [{ from: 100, to: 102 }]],
  [
    "two apart",
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
