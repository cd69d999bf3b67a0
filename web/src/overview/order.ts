/**
 * Which hosts the overview shows, and in which order. Rows that jump cannot be read or clicked, so the order is steady:
 *
 * - The worst first: hosts that do not answer, then those with alerts, then the others, each by name. A
 *   host moves up at once, and down after it was better for 30 s.
 * - By a number: sorted every 5 s.
 * - While the pointer or the focus is on a row, nothing moves: also a host that does not match the filter any more stays,
 *   and new ones come last.
 *
 * Pure, except for `createOrder`, which remembers the places.
 */
import { LEVELS, type Level } from "../store/alerts";
import type { HostName, Reading } from "./frames";
import { isInGroup } from "./groups";
import { STATES, type State } from "./states";

/** A host with its newest values. */
export interface Row extends Reading {
  readonly host: HostName;
  /** The place of its name among all names. */
  readonly byName: number;
  /** What the filter searches, in lower case. */
  readonly words: string;
}

/** `worst` is the default. */
export const SORTS = [
  "worst",
  "name",
  "cpu",
  "memory",
  "disk",
  "filesystem",
  "rx",
  "tx",
  "celsius",
] as const;
export type Sort = (typeof SORTS)[number];

export interface Sorting {
  readonly sort: Sort;
  readonly reversed: boolean;
}

/** Hosts that stopped on purpose come after those that need attention. */
const STATE_RANK: Readonly<Record<State, number>> = {
  lost: 0,
  unreachable: 1,
  duplicate: 2,
  incompatible: 3,
  late: 4,
  unknown: 5,
  gone: 8,
  live: 9,
};
const LEVEL_RANK = { critical: 6, warn: 7 } as const;

/** Return the highest level of the alerts of a live host; undefined if none fires, or nothing is known of them. */
export function levelOf({ state, alerts }: Pick<Reading, "state" | "alerts">): Level | undefined {
  if (state !== "live" || alerts === null) return undefined;
  return LEVELS.find((level) => alerts[level] > 0);
}

/** Return a number that is lower for a worse host. What is only information changes nothing. */
export function rankOf(reading: Pick<Reading, "state" | "alerts">): number {
  const level = levelOf(reading);
  return level === undefined || level === "info" ? STATE_RANK[reading.state] : LEVEL_RANK[level];
}

/** Return whether each word is in the name, the id, the site or a tag. */
export function matches(row: Pick<Row, "words">, filter: string): boolean {
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => row.words.includes(word));
}

/** Return the hosts that the filter and the chosen states leave. */
export function chosenRows(
  rows: readonly Row[],
  { filter, states }: { readonly filter: string; readonly states: readonly State[] },
): readonly Row[] {
  if (filter.trim() === "" && states.length === 0) return rows;
  return rows.filter(
    (row) => (states.length === 0 || states.includes(row.state)) && matches(row, filter),
  );
}

/** Return the rows of the hosts of a group; null: all rows. */
export function rowsOfGroup(rows: readonly Row[], group: string | null): readonly Row[] {
  return group === null ? rows : rows.filter(({ host }) => isInGroup(host, group));
}

/** Return the rows that were shown before, in their places and with the newest values, and behind them the other chosen ones. */
export function keptRows(
  before: readonly Row[],
  all: readonly Row[],
  chosen: readonly Row[],
): readonly Row[] {
  const newest = new Map(all.map((row) => [row.number, row]));
  const kept = before.flatMap(({ number }) => newest.get(number) ?? []);
  const numbers = new Set(kept.map(({ number }) => number));
  return [...kept, ...chosen.filter(({ number }) => !numbers.has(number))];
}

export function wordsOf({ name, id, site, tags }: HostName): string {
  return [name, id, site, ...tags].join(" ").toLowerCase();
}

export type Counts = ReadonlyMap<State, number>;

/** Return how many hosts are in each state, worst first. States without a host are left out. */
export function countsOf(rows: readonly Pick<Row, "state">[]): Counts {
  const counts = new Map<State, number>();
  for (const state of STATES) counts.set(state, 0);
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  return new Map([...counts].filter(([, count]) => count > 0));
}

const BETTER_FOR_MS = 30_000;
const SORT_EVERY_MS = 5000;

interface Rank {
  rank: number;
  /** Since when the host is better than this rank. */
  betterSinceMs: number | null;
}

export type Order = (rows: readonly Row[], sorting: Sorting, nowMs: number) => Row[];

/** Return a function that sorts all rows, and remembers what it needs to keep the order steady. */
export function createOrder(): Order {
  let ranks: ReadonlyMap<number, Rank> = new Map();
  let places: ReadonlyMap<number, number> = new Map();
  let sortedAtMs = -Infinity;
  let choice = "";
  return (rows, { sort, reversed }, nowMs) => {
    ranks = new Map(rows.map((row) => [row.number, rankAfter(ranks.get(row.number), row, nowMs)]));
    const same = choice === `${sort} ${reversed}`;
    const isDue = sort === "worst" || sort === "name" || nowMs - sortedAtMs >= SORT_EVERY_MS;
    if (!same || isDue) {
      const compare = comparison(sort, (row) => ranks.get(row.number)?.rank ?? 0);
      const sorted = rows.toSorted(compare);
      if (reversed) sorted.reverse();
      places = new Map(sorted.map(({ number }, at) => [number, at]));
      sortedAtMs = nowMs;
      choice = `${sort} ${reversed}`;
      return sorted;
    }
    const placeOf = ({ number }: Row): number => places.get(number) ?? rows.length;
    return rows.toSorted((one, other) => placeOf(one) - placeOf(other) || byName(one, other));
  };
}

function rankAfter(before: Rank | undefined, row: Row, nowMs: number): Rank {
  const rank = rankOf(row);
  if (before === undefined || rank <= before.rank) return { rank, betterSinceMs: null };
  const since = before.betterSinceMs ?? nowMs;
  if (nowMs - since >= BETTER_FOR_MS) return { rank, betterSinceMs: null };
  return { rank: before.rank, betterSinceMs: since };
}

type Compare = (one: Row, other: Row) => number;

function byName(one: Row, other: Row): number {
  return one.byName - other.byName;
}

/** Numbers: the highest first, unknown ones last. */
function comparison(sort: Sort, rank: (row: Row) => number): Compare {
  if (sort === "name") return byName;
  if (sort === "worst") return (one, other) => rank(one) - rank(other) || byName(one, other);
  const value = (row: Row): number => row.values[sort] ?? -Infinity;
  return (one, other) => {
    const [first, second] = [value(one), value(other)];
    return first === second ? byName(one, other) : second - first;
  };
}
