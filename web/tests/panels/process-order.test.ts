import { expect, it } from "vitest";

import { matches, ordered, sortKeyOf } from "../../src/panels/process-order";
import type { Process } from "../../src/protocol/sections";

const row = (pid: number, cpu: number | null, extra: Partial<Process> = {}): Process => ({
  pid,
  name: `p${pid}`,
  command: null,
  user: "root",
  state: "S",
  cpu_percent: cpu,
  cpu_percent_of_host: null,
  memory_rss_bytes: pid,
  memory_percent: null,
  threads: 1,
  started_at: null,
  ...extra,
});
const rows = [
  row(1, 5),
  row(2, null),
  row(3, 90),
  row(4, 1, { state: "D" }),
  row(5, 2, { state: "R" }),
];
const pids = (list: readonly Process[]) => list.map(({ pid }) => pid);

it("sorts by what the viewer chose, or by what the focus is about", () => {
  expect([
    sortKeyOf({ sort: null, focus: "disk" }),
    sortKeyOf({ sort: "pid", focus: "disk" }),
  ]).toEqual(["state", "pid"]);
});

it("puts the busiest first, and what is not known last", () => {
  expect(pids(ordered(rows, "cpu", false))).toEqual([3, 1, 5, 4, 2]);
  expect(pids(ordered(rows, "cpu", true))).toEqual([2, 4, 5, 1, 3]);
});

it("puts those that wait for a disk first when sorted by state", () => {
  expect(pids(ordered(rows, "state", false))).toEqual([4, 5, 3, 1, 2]);
});

it.each([
  ["p3", true],
  ["P3 ROOT", true],
  ["3 nobody", false],
  ["", true],
])("finds by words of pid, command and user: %s", (filter, found) => {
  expect(matches(row(3, 1), filter)).toBe(found);
});
