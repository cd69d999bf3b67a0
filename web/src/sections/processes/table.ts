/**
 * The newest processes and the last minute of each. Fed by a connection that exists only while the table is on screen.
 * Forgets a process when it is no longer among the rows.
 */
import type { Frame, Sample } from "../../protocol/frames";
import { createStore, type Store } from "../../store/create-store";
import type { SectionListener } from "../../store/page";
import type { Process, Processes } from "../../protocol/sections";

export interface ProcessState {
  readonly table: Processes | null;
  /** Why there is no newer table; null while there is one. */
  readonly failure: string | null;
  /** The state of the source, for example `ok` or `psutil`. */
  readonly source: string | null;
}

export interface Past {
  /** CPU in percent of one core, a value per sample, the newest one last. Null for a sample that did not arrive. */
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
  let every = 1;
  let newest: Sample | null = null;
  const frame = (received: Frame): void => {
    if (received.type === "hello") every = received.hello.every ?? 1;
    if (received.type !== "sample") return;
    const { sections, sources } = received.sample;
    const source = sources["processes"];
    if (sections.processes === undefined) {
      if (source?.state === "failed") failed(source.reason ?? "failed");
      return;
    }
    const missing = missingBetween(newest, received.sample, every);
    newest = received.sample;
    pasts = continued(pasts, sections.processes.top ?? [], missing);
    store.set({ table: sections.processes, failure: null, source: source?.state ?? null });
  };
  return { store, frame, failed, past: (process) => pasts.get(identity(process)) ?? NO_PAST };
}

/** Return the pid with the start time, because the kernel uses pids again. */
export function identity(process: Process): string {
  return `${process.pid}:${process.started_at ?? 0}`;
}

/** Return the number of samples that did not arrive: the page was paused, the table off screen, or the line bad. */
function missingBetween(before: Sample | null, { stream, seq }: Sample, every: number): number {
  if (before === null) return 0;
  if (before.stream !== stream) return KEPT_SAMPLES;
  return Math.max(0, Math.min(KEPT_SAMPLES, Math.round((seq - before.seq) / every) - 1));
}

function continued(
  before: ReadonlyMap<string, Past>,
  rows: readonly Process[],
  missing: number,
): ReadonlyMap<string, Past> {
  const gap = Array.from({ length: missing }, () => null);
  return new Map(
    rows.map((row) => {
      const { cpu, waitingSamples } = before.get(identity(row)) ?? NO_PAST;
      const waitedBefore = missing === 0 ? waitingSamples : 0;
      const past = {
        cpu: cpu.length === 0 ? [row.cpu_percent] : [...cpu, ...gap, row.cpu_percent],
        waitingSamples: row.state === "D" ? waitedBefore + 1 : 0,
      };
      past.cpu = past.cpu.slice(-KEPT_SAMPLES);
      return [identity(row), past];
    }),
  );
}
