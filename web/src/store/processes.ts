/**
 * The process table, fed by a connection of its own that lives only while the table is on screen.
 * Keeps a minute of CPU per process for the drawer; processes that left the table are forgotten.
 */
import type { Frame } from "../protocol/frames";
import type { Process, Processes } from "../protocol/sections";
import { createStore, type Store } from "./create-store";

export interface ProcessState {
  readonly table: Processes | null;
  readonly seq: number;
  readonly failed: string | null;
  readonly source: string | null;
}

export interface ProcessTable {
  readonly store: Store<ProcessState>;
  readonly frame: (frame: Frame) => void;
  readonly cpuHistory: (process: Process) => readonly (number | null)[];
}

const MINUTE = 60;

export function createProcessTable(): ProcessTable {
  const store = createStore<ProcessState>({ table: null, seq: 0, failed: null, source: null });
  let histories = new Map<string, (number | null)[]>();

  return {
    store,
    cpuHistory: (process) => histories.get(identity(process)) ?? [],
    frame: (frame) => {
      if (frame.type !== "sample") return;
      const { sections, sources, seq } = frame.sample;
      const source = sources["processes"];
      if (sections.processes === undefined) {
        if (source?.state === "failed")
          store.update((now) => ({ ...now, failed: source.reason ?? "failed" }));
        return;
      }
      histories = remember(histories, sections.processes.top ?? []);
      store.set({ table: sections.processes, seq, failed: null, source: source?.state ?? null });
    },
  };
}

/** A pid alone is not an identity: the kernel uses them again. */
export function identity(process: Process): string {
  return `${process.pid}:${process.started_at ?? 0}`;
}

function remember(
  before: ReadonlyMap<string, (number | null)[]>,
  rows: readonly Process[],
): Map<string, (number | null)[]> {
  const after = new Map<string, (number | null)[]>();
  for (const row of rows) {
    const past = before.get(identity(row)) ?? [];
    after.set(identity(row), [...past.slice(1 - MINUTE), row.cpu_percent]);
  }
  return after;
}
