/**
 * The newest processes and the last minute of each. Fed by a connection that exists only while the table is on screen.
 * Forgets a process when it is no longer among the rows.
 */
import type { Frame } from "../../protocol/frames";
import { createStore, type Store } from "../../store/create-store";
import type { SectionListener } from "../../store/use-telemetry";
import type { Process, Processes } from "../generated";

export interface ProcessState {
  readonly table: Processes | null;
  /** Why there is no newer table; null while there is one. */
  readonly failure: string | null;
  /** The state of the source, for example `ok` or `psutil`. */
  readonly source: string | null;
}

export interface Past {
  /** CPU in percent of one core, a value per sample, the newest one last. */
  readonly cpu: readonly (number | null)[];
  /** The number of samples in a row in which it waited for a disk. */
  readonly waitingSamples: number;
}

export interface ProcessTable extends SectionListener {
  readonly store: Store<ProcessState>;
  readonly past: (process: Process) => Past;
}

const KEPT_SAMPLES = 60;
const NO_PAST: Past = { cpu: [], waitingSamples: 0 };

export function createProcessTable(): ProcessTable {
  const store = createStore<ProcessState>({ table: null, failure: null, source: null });
  let pasts: ReadonlyMap<string, Past> = new Map();
  const failed = (failure: string): void => {
    store.update((now) => ({ ...now, failure }));
  };
  const frame = (received: Frame): void => {
    if (received.type !== "sample") return;
    const { sections, sources } = received.sample;
    const source = sources["processes"];
    if (sections.processes === undefined) {
      if (source?.state === "failed") failed(source.reason ?? "failed");
      return;
    }
    pasts = continued(pasts, sections.processes.top ?? []);
    store.set({ table: sections.processes, failure: null, source: source?.state ?? null });
  };
  return { store, frame, failed, past: (process) => pasts.get(identity(process)) ?? NO_PAST };
}

/** Return the pid with the start time, because the kernel uses pids again. */
export function identity(process: Process): string {
  return `${process.pid}:${process.started_at ?? 0}`;
}

function continued(
  before: ReadonlyMap<string, Past>,
  rows: readonly Process[],
): ReadonlyMap<string, Past> {
  return new Map(
    rows.map((row) => {
      const { cpu, waitingSamples } = before.get(identity(row)) ?? NO_PAST;
      const past = {
        cpu: [...cpu.slice(1 - KEPT_SAMPLES), row.cpu_percent],
        waitingSamples: row.state === "D" ? waitingSamples + 1 : 0,
      };
      return [identity(row), past];
    }),
  );
}
