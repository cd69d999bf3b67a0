import { describe, expect, it } from "vitest";

import { decodeFrame } from "../../src/protocol/decode";
import type { Process } from "../../src/sections/generated";
import { matches, ordered, sortKeyOf } from "../../src/sections/processes/order";
import { createProcessTable, identity } from "../../src/sections/processes/table";
import { golden, goldenObject } from "../support/frames";

const processOf = (pid: number, cpu: number | null, extra: Partial<Process> = {}): Process => ({
  pid,
  name: `p${pid}`,
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

describe("the order", () => {
  const rows = [
    processOf(1, 5),
    processOf(2, null),
    processOf(3, 90),
    processOf(4, 1, { state: "D" }),
    processOf(5, 2, { state: "R" }),
  ];
  const pids = (list: readonly Process[]) => list.map(({ pid }) => pid);

  it.each([
    ["disk", null, "state"],
    ["disk", "pid", "pid"],
    ["disk", "no such column", "state"],
    ["network", null, "cpu"],
  ])("with %s in focus and the choice %s is by %s", (focus, sort, key) => {
    expect(sortKeyOf({ sort, focus })).toBe(key);
  });

  it("has the busiest process first and unknown values last", () => {
    expect(pids(ordered(rows, "cpu", false))).toEqual([3, 1, 5, 4, 2]);
    expect(pids(ordered(rows, "cpu", true))).toEqual([2, 4, 5, 1, 3]);
  });

  it("by state has the processes that wait for a disk first", () => {
    expect(pids(ordered(rows, "state", false))).toEqual([4, 5, 3, 1, 2]);
  });
});

it.each([
  ["p3", true],
  ["P3 ROOT", true],
  ["3 nobody", false],
  ["", true],
])("finds the words of a filter in pid, name and user: %s", (filter, found) => {
  expect(matches(processOf(3, 1), filter)).toBe(found);
});

describe("the table", () => {
  it("keeps a minute of each process, and forgets those that are gone", () => {
    const table = createProcessTable();
    for (let n = 0; n < 70; n += 1) table.frame(decodeFrame(golden("sample-processes")));
    const [row] = table.store.get().table?.top ?? [];
    if (row === undefined) throw new Error("no process");
    expect([table.past(row).cpu.length, table.past(row).waitingSamples]).toEqual([60, 70]);
    const empty = { ...goldenObject("sample-processes"), processes: { total: 0, top: [] } };
    table.frame(decodeFrame(JSON.stringify(empty)));
    expect(table.past(row).cpu).toEqual([]);
  });

  it("does not take a process for an older one with the same pid", () => {
    const older = processOf(7, 0, { started_at: 1 });
    expect(identity(older)).not.toBe(identity({ ...older, started_at: 2 }));
  });

  it("keeps the rows when the source fails, with the reason", () => {
    const table = createProcessTable();
    table.frame(decodeFrame(golden("sample-processes")));
    const { processes: _, ...rest } = goldenObject("sample-processes");
    const failing = {
      ...rest,
      sources: { processes: { state: "failed", took_seconds: 0, reason: "no /proc" } },
    };
    table.frame(decodeFrame(JSON.stringify(failing)));
    expect(table.store.get()).toMatchObject({ failure: "no /proc", table: { total: 412 } });
  });
});
