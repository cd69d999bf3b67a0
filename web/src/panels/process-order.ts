/** Which processes, in which order. Pure; the panel decides when a new order is taken. */
import type { Process } from "../protocol/sections";
import type { Focus, SortKey, View } from "../store/view";

/** What the focus sorts by: the cause is two clicks away. */
const BY_FOCUS: Readonly<Record<Focus, SortKey>> = {
  cpu: "cpu",
  memory: "memory",
  load: "state",
  network: "cpu",
  disk: "state",
  heat: "cpu",
};

export function sortKeyOf(view: Pick<View, "sort" | "focus">): SortKey {
  return view.sort ?? BY_FOCUS[view.focus];
}

export function matches(process: Process, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const text =
    `${process.pid} ${process.name} ${process.command ?? ""} ${process.user ?? ""}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export function ordered(rows: readonly Process[], key: SortKey, reversed: boolean): Process[] {
  const compare = COMPARE[key];
  const sorted = [...rows].sort((one, other) => compare(one, other) || one.pid - other.pid);
  return reversed ? sorted.reverse() : sorted;
}

type Compare = (one: Process, other: Process) => number;

const byCpu: Compare = (one, other) => (other.cpu_percent ?? -1) - (one.cpu_percent ?? -1);
const text = (one: string | null, other: string | null): number =>
  (one ?? "").localeCompare(other ?? "");
/** Waiting for a disk comes first, then running, then the rest by CPU. */
const rank = ({ state }: Process): number => (state === "D" ? 0 : state === "R" ? 1 : 2);

const COMPARE: Readonly<Record<SortKey, Compare>> = {
  pid: (one, other) => one.pid - other.pid,
  command: (one, other) => text(one.command ?? one.name, other.command ?? other.name),
  user: (one, other) => text(one.user, other.user) || byCpu(one, other),
  state: (one, other) => rank(one) - rank(other) || byCpu(one, other),
  cpu: byCpu,
  memory: (one, other) => (other.memory_rss_bytes ?? -1) - (one.memory_rss_bytes ?? -1),
  threads: (one, other) => (other.threads ?? -1) - (one.threads ?? -1),
};
