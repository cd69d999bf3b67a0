import { expect, it } from "vitest";

import { decodeFrame } from "../../src/protocol/decode";
import { createProcessTable, identity } from "../../src/store/processes";
import { golden, goldenObject } from "../support/frames";

it("keeps a minute of each process, and forgets those that are gone", () => {
  const processes = createProcessTable();
  for (let n = 0; n < 70; n += 1) processes.frame(decodeFrame(golden("sample-processes")));
  const [row] = processes.store.get().table?.top ?? [];
  if (row === undefined) throw new Error("no process");
  expect([processes.cpuHistory(row).length, processes.waited(row)]).toEqual([60, 70]);
  const empty = { ...goldenObject("sample-processes"), processes: { total: 0, top: [] } };
  processes.frame(decodeFrame(JSON.stringify(empty)));
  expect(processes.cpuHistory(row)).toEqual([]);
});

it("tells a process from the next one with its pid", () => {
  const row = { pid: 7, started_at: 1, name: "sh" } as Parameters<typeof identity>[0];
  expect(identity(row)).not.toBe(identity({ ...row, started_at: 2 }));
});

it("says when the source failed, and keeps what it had", () => {
  const processes = createProcessTable();
  processes.frame(decodeFrame(golden("sample-processes")));
  const { processes: _, ...rest } = goldenObject("sample-processes");
  const failed = {
    ...rest,
    sources: { processes: { state: "failed", took_seconds: 0, reason: "no /proc" } },
  };
  processes.frame(decodeFrame(JSON.stringify(failed)));
  expect(processes.store.get()).toMatchObject({ failed: "no /proc", table: { total: 412 } });
});
