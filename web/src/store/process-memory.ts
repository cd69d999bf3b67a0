/**
 * The processes that the page has seen: the names of the newest ones, and the busiest ones of each past moment. The page
 * has these moments only while the table of processes is on screen. Bounded in moments, names and characters.
 */
import { bytesText, fixed } from "../format/numbers";
import type { Sample } from "../protocol/frames";
import type { Process } from "../protocol/sections";
import { stepBetween } from "./step";

/** The quantity by which the processes of a moment are the busiest. */
export type BusyBy = "cpu" | "memory";

export interface ProcessMemory {
  readonly add: (sample: Sample) => void;
  /** Return the busiest processes at a host time, such as `restic 96 %`; none when they are not known. */
  readonly busiestAt: (unixSeconds: number, by: BusyBy) => readonly string[];
  /** Return the names of the newest processes, each once. */
  readonly names: () => readonly string[];
}

interface Moment {
  readonly at: number;
  readonly busiest: Readonly<Record<BusyBy, readonly string[]>>;
}

const MAX_MOMENTS = 600;
const MAX_BUSIEST = 3;
const MAX_NAMES = 100;
const MAX_CHARACTERS = 40;
/** The samples of both connections of the page have the same times. */
const SAME_MOMENT_SECONDS = 0.5;

export function createProcessMemory(): ProcessMemory {
  let moments: readonly Moment[] = [];
  let newest: Sample | null = null;
  return {
    add: (sample) => {
      const rows = sample.sections.processes?.top;
      if (rows == null) return;
      if (newest !== null && newest.host !== sample.host) moments = [];
      // When the host's clock is set, the ring moves its slots by the same time.
      const clockStep = newest === null ? 0 : stepBetween(newest, sample, null).clockStep;
      const kept =
        clockStep === 0 ? moments : moments.map((one) => ({ ...one, at: one.at + clockStep }));
      const busiest = {
        cpu: busiestOf(
          rows,
          ({ cpu_percent }) => cpu_percent,
          (value) => `${fixed(value, 0)} %`,
        ),
        memory: busiestOf(rows, ({ memory_rss_bytes }) => memory_rss_bytes, bytesText),
      };
      moments = [...kept, { at: sample.time_unix, busiest }].slice(-MAX_MOMENTS);
      newest = sample;
    },
    busiestAt: (unixSeconds, by) =>
      moments.findLast(({ at }) => Math.abs(at - unixSeconds) < SAME_MOMENT_SECONDS)?.busiest[by] ??
      [],
    names: () => {
      const rows = newest?.sections.processes?.top ?? [];
      return [...new Set(rows.map(({ name }) => name.slice(0, MAX_CHARACTERS)))].slice(
        0,
        MAX_NAMES,
      );
    },
  };
}

function busiestOf(
  rows: readonly Process[],
  amount: (row: Process) => number | null,
  text: (value: number) => string,
): string[] {
  return rows
    .map((row) => ({ name: row.name, value: amount(row) ?? 0 }))
    .filter(({ value }) => value > 0)
    .sort((one, other) => other.value - one.value)
    .slice(0, MAX_BUSIEST)
    .map(({ name, value }) => `${name.slice(0, MAX_CHARACTERS)} ${text(value)}`);
}
