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
  /** It cannot be had, for this reason, until a frame has it. */
  readonly failed: (why: string) => void;
  readonly cpuHistory: (process: Process) => readonly (number | null)[];
  /** Samples in a row in which it waited for a disk. */
  readonly waited: (process: Process) => number;
}

interface History {
  readonly cpu: readonly (number | null)[];
  readonly waited: number;
}

const MINUTE = 60;

export function createProcessTable(): ProcessTable {
  const store = createStore<ProcessState>({ table: null, seq: 0, failed: null, source: null });
  let histories: ReadonlyMap<string, History> = new Map();
  const failed = (why: string): void => {
    store.update((now) => ({ ...now, failed: why }));
  };

  return {
    store,
    failed,
    cpuHistory: (process) => histories.get(identity(process))?.cpu ?? [],
    waited: (process) => histories.get(identity(process))?.waited ?? 0,
    frame: (frame) => {
      if (frame.type !== "sample") return;
      const { sections, sources, seq } = frame.sample;
      const source = sources["processes"];
      if (sections.processes === undefined) {
        if (source?.state === "failed") failed(source.reason ?? "failed");
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
  before: ReadonlyMap<string, History>,
  rows: readonly Process[],
): ReadonlyMap<string, History> {
  const after = new Map<string, History>();
  for (const row of rows) {
    const past = before.get(identity(row));
    after.set(identity(row), {
      cpu: [...(past?.cpu ?? []).slice(1 - MINUTE), row.cpu_percent],
      waited: row.state === "D" ? (past?.waited ?? 0) + 1 : 0,
    });
  }
  return after;
}
