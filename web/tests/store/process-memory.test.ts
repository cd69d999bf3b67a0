import { expect, it } from "vitest";

import { createProcessMemory } from "../../src/store/process-memory";
import { sampleAt } from "../support/frames";

interface Row {
  name: string;
  cpu?: number | null;
  memory?: number | null;
}

function sample(seq: number, rows: Row[], changes: Record<string, unknown> = {}) {
  const top = rows.map(({ name, cpu = 0, memory = 0 }, pid) => ({
    ...{ pid, name, user: "root", state: "S", threads: 1, started_at: 0 },
    ...{ cpu_percent: cpu, memory_rss_bytes: memory },
    ...{ cpu_percent_of_host: null, memory_percent: null },
  }));
  const processes = { total: top.length, by_state: {}, top, visibility: "all" };
  return sampleAt(seq, { processes, ...changes });
}

const T0 = 1_764_000_000;
const BUSY: Row[] = [
  { name: "idle" },
  { name: "restic", cpu: 96, memory: 2 ** 30 },
  { name: "postgres", cpu: 41, memory: 8 * 2 ** 30 },
  { name: "node", cpu: 12 },
  { name: "cron", cpu: 3 },
];

it("keeps the three busiest processes of each moment, by CPU and by memory", () => {
  const memory = createProcessMemory();
  memory.add(sample(1, BUSY));
  memory.add(sample(2, [{ name: "backup", cpu: 100 }]));
  expect(memory.busiestAt(T0 + 1, "cpu")).toEqual(["restic 96 %", "postgres 41 %", "node 12 %"]);
  expect(memory.busiestAt(T0 + 1, "memory")).toEqual(["postgres 8.00 GiB", "restic 1.00 GiB"]);
  expect(memory.busiestAt(T0 + 2.3, "cpu")).toEqual(["backup 100 %"]);
  expect(memory.busiestAt(T0 + 9, "cpu")).toEqual([]);
});

it("has the names of the newest processes, each once", () => {
  const memory = createProcessMemory();
  expect(memory.names()).toEqual([]);
  memory.add(sample(1, [...BUSY, { name: "node" }]));
  memory.add(sampleAt(2)); // without processes, as on the other connection
  expect(memory.names()).toEqual(["idle", "restic", "postgres", "node", "cron"]);
});

it("is bounded in moments, names and characters", () => {
  const memory = createProcessMemory();
  for (let seq = 1; seq <= 601; seq += 1) memory.add(sample(seq, [{ name: "a", cpu: 1 }]));
  expect([memory.busiestAt(T0 + 1, "cpu"), memory.busiestAt(T0 + 2, "cpu")]).toEqual([
    [],
    ["a 1 %"],
  ]);
  const many = Array.from({ length: 500 }, (_, n) => ({ name: `${n}${"x".repeat(999)}`, cpu: n }));
  memory.add(sample(700, many));
  expect(memory.names()).toHaveLength(100);
  expect(memory.names()[0]?.length).toBe(40);
  expect(memory.busiestAt(T0 + 700, "cpu").join("").length).toBeLessThan(150);
});

it("moves with the host's clock, and forgets another host", () => {
  const memory = createProcessMemory();
  memory.add(sample(1, BUSY));
  memory.add(sample(2, BUSY.slice(3), { time_unix: T0 + 3602, uptime_seconds: 5002 }));
  expect(memory.busiestAt(T0 + 3601, "cpu")[0]).toBe("restic 96 %");
  expect(memory.busiestAt(T0 + 1, "cpu")).toEqual([]);
  memory.add(sample(1, [], { host: "another" }));
  expect(memory.busiestAt(T0 + 3602, "cpu")).toEqual([]);
});
