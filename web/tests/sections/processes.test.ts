import { describe, expect, it } from "vitest";

import { decodeFrame } from "../../src/protocol/decode";
import type { Process } from "../../src/protocol/sections";
import {
  ascends,
  matches,
  ordered,
  shownCommand,
  sortKeyOf,
} from "../../src/sections/processes/order";
import {
  createProcessTable,
  identity,
  type ProcessTable,
} from "../../src/sections/processes/table";
import { golden, goldenObject, hello } from "../support/frames";

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
  command: null,
  unit: null,
  read_bytes_per_second: null,
  write_bytes_per_second: null,
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

  it.each([
    ["pid", true],
    ["command", true],
    ["user", true],
    ["cpu", false],
    ["memory", false],
    ["threads", false],
  ] as const)("by %s ascends: %s, and reversed the other way", (key, up) => {
    expect([ascends(key, false), ascends(key, true)]).toEqual([up, !up]);
    const two = [
      processOf(1, 1, { name: "a", user: "a", memory_rss_bytes: 1, threads: 1 }),
      processOf(2, 2, { name: "b", user: "b", memory_rss_bytes: 2, threads: 2 }),
    ];
    expect(pids(ordered(two, key, false))).toEqual(up ? [1, 2] : [2, 1]);
  });

  it("by command is that of the command lines that the column shows", () => {
    const shown = [
      processOf(1, 1, { name: "bash", command: "/usr/bin/zsh" }),
      processOf(2, 1, { name: "worker", command: "/usr/bin/apache -k start" }),
      processOf(3, 1, { name: "kworker" }),
    ];
    expect(pids(ordered(shown, "command", false))).toEqual([2, 3, 1]);
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
  ["prod.jar shop.service", true],
])("finds the words of a filter in every text of a process: %s", (filter, found) => {
  const extra = { command: "java -jar Prod.jar", unit: "shop.service" };
  expect(matches(processOf(3, 1, extra), filter)).toBe(found);
});

it.each([
  [null, "p3"],
  ["/usr/bin/java -jar /srv/a.jar", "java -jar /srv/a.jar"],
  ["java -jar /srv/a.jar", "java -jar /srv/a.jar"],
  ["/", "/"],
  ["/init", "init"],
])("shows the command line %s as %s, without the directory of the program", (command, shown) => {
  expect(shownCommand(processOf(3, 1, { command }))).toBe(shown);
});

describe("the table", () => {
  const receive = (table: ProcessTable, seq: number, stream = "run") => {
    table.frame(decodeFrame(JSON.stringify({ ...goldenObject("sample-processes"), seq, stream })));
  };
  const firstOf = (table: ProcessTable): Process => {
    const [row] = table.store.get().table?.top ?? [];
    if (row === undefined) throw new Error("no process");
    return row;
  };
  const knownIn = (table: ProcessTable) =>
    table.past(firstOf(table)).cpu.map((value) => value !== null);

  it("has a gap where samples did not arrive, because of a pause or another run", () => {
    const table = createProcessTable();
    receive(table, 1);
    receive(table, 2);
    receive(table, 5);
    expect(knownIn(table)).toEqual([true, true, false, false, true]);
    receive(table, 1, "another run");
    expect(knownIn(table).filter(Boolean)).toHaveLength(1);
  });

  it("has no gap when it asked for every fifth sample", () => {
    const table = createProcessTable();
    table.frame({ type: "hello", hello: hello({ every: 5 }) });
    receive(table, 5);
    receive(table, 10);
    expect(knownIn(table)).toEqual([true, true]);
  });

  it("keeps a minute of each process, and forgets those that are gone", () => {
    const table = createProcessTable();
    for (let seq = 1; seq <= 70; seq += 1) receive(table, seq);
    const row = firstOf(table);
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
