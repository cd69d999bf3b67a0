/** Which processes the table shows, and in which order. Pure; the panel decides when it sorts. */
import type { View } from "../../store/view";
import type { Process } from "../../protocol/sections";

/** The columns of the table; each can sort it. Their names are in the address. */
export const SORT_KEYS = ["pid", "command", "user", "state", "cpu", "memory", "threads"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** The column that goes with a focus, so that the probable causes come first. For other vitals it is CPU. */
const BY_FOCUS: Readonly<Record<string, SortKey>> = {
  memory: "memory",
  load: "state",
  disk: "state",
};

/** Return the column that the viewer chose, else the one that goes with the focus. */
export function sortKeyOf({ sort, focus }: Pick<View, "sort" | "focus">): SortKey {
  return SORT_KEYS.find((key) => key === sort) ?? BY_FOCUS[focus] ?? "cpu";
}

/** Return the command line without the directory of the program; the name of the kernel where it is not known. */
export function shownCommand({ command, name }: Process): string {
  return command?.replace(/^\/(?:[^/\s]*\/)*(?=[^/\s])/, "") ?? name;
}

/** Return whether each word of the filter is in the pid, name, user, command line or unit. */
export function matches(process: Process, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const { pid, name, user, command, unit } = process;
  const text = `${pid} ${name} ${user ?? ""} ${command ?? ""} ${unit ?? ""}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The columns that begin with the lowest value. The others begin with the highest one, or the most urgent state. */
const ASCENDING: ReadonlySet<SortKey> = new Set<SortKey>(["pid", "command", "user"]);

export function ascends(key: SortKey, reversed: boolean): boolean {
  return ASCENDING.has(key) !== reversed;
}

export function ordered(rows: readonly Process[], key: SortKey, reversed: boolean): Process[] {
  const compare = COMPARE[key];
  const sorted = [...rows].sort((one, other) => compare(one, other) || one.pid - other.pid);
  return reversed ? sorted.reverse() : sorted;
}

type Compare = (one: Process, other: Process) => number;

/** Highest first; unknown values last. */
const byCpu: Compare = (one, other) => (other.cpu_percent ?? -1) - (one.cpu_percent ?? -1);
const byText = (one: string | null, other: string | null): number =>
  (one ?? "").localeCompare(other ?? "");
/** Waiting for a disk first, then running, then the rest. */
const stateRank = ({ state }: Process): number => (state === "D" ? 0 : state === "R" ? 1 : 2);

const COMPARE: Readonly<Record<SortKey, Compare>> = {
  pid: (one, other) => one.pid - other.pid,
  command: (one, other) => byText(shownCommand(one), shownCommand(other)),
  user: (one, other) => byText(one.user, other.user) || byCpu(one, other),
  state: (one, other) => stateRank(one) - stateRank(other) || byCpu(one, other),
  cpu: byCpu,
  memory: (one, other) => (other.memory_rss_bytes ?? -1) - (one.memory_rss_bytes ?? -1),
  threads: (one, other) => (other.threads ?? -1) - (one.threads ?? -1),
};
