import { expect, it } from "vitest";

import { rowsOf } from "../../src/sections/custom/rows";

it("writes each value in the unit that its name ends in", () => {
  const rows = rowsOf({
    waiting_jobs: 17,
    oldest_seconds: 2.4,
    cache_bytes: 2 ** 20,
    ratio: 0.123,
    mode: "fast",
    open: true,
    last: null,
    lanes: { fast_percent: 91 },
    rows: [1, 2],
  });
  expect(rows.map(({ path, name, text }) => [path, name, text])).toEqual([
    ["waiting_jobs", "waiting jobs", "17"],
    ["oldest_seconds", "oldest", "2.4 s"],
    ["cache_bytes", "cache", "1.00 MiB"],
    ["ratio", "ratio", "0.12"],
    ["mode", "mode", "fast"],
    ["open", "open", "true"],
    ["last", "last", "–"],
    ["lanes.fast_percent", "lanes fast", "91 %"],
  ]);
});

it("has no rows for a section that is not an object", () => {
  expect([rowsOf([1]), rowsOf(3), rowsOf(null)]).toEqual([[], [], []]);
});
