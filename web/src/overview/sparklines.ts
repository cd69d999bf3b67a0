/**
 * The last five minutes of the hosts on screen. They are loaded once the rows have stood still for a moment, and then
 * continued with each overview. Those of the hosts that were on screen longest ago are forgotten.
 */
import { createStore, type Store } from "../store/create-store";
import type { Browser } from "../stream/refusal";
import type { Column } from "./frames";
import type { Row } from "./order";
import { maybeSparklines } from "./requests";

/** The series that a front end keeps. */
export const SERIES = ["cpu", "memory", "rx", "tx"] as const satisfies readonly Column[];
export type SeriesName = (typeof SERIES)[number];
type Kept = Record<SeriesName, (number | null)[]>;

export const POINTS = 300;
/** A request has at most this many ids (docs/protocol.md). */
const MAX_IDS = 100;
const MAX_KEPT = 300;
const STILL_MS = 250;
const RETRY_MS = 10_000;

export interface Sparklines {
  /** Changes when lines were loaded or continued. */
  readonly version: Store<number>;
  /** The hosts that are on screen now. */
  readonly want: (ids: readonly string[]) => void;
  /** Null until they are loaded. */
  readonly of: (id: string, series: SeriesName) => readonly (number | null)[] | null;
  readonly add: (rows: readonly Row[]) => void;
  /** Values are missing, so the lines are loaded again. */
  readonly reload: () => void;
  /** Forgets all lines, and loads none until `want`. */
  readonly stop: () => void;
}

export function createSparklines(address: string, browser: Pick<Browser, "fetch">): Sparklines {
  const kept = new Map<string, Kept>();
  const version = createStore(0);
  let wanted: readonly string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let loading: AbortController | null = null;

  const changed = (): void => {
    version.update((before) => before + 1);
  };
  const plan = (ms: number): void => {
    clearTimeout(timer);
    const missing = wanted.filter((id) => !kept.has(id)).slice(0, MAX_IDS);
    if (missing.length === 0 || loading !== null) return;
    timer = setTimeout(() => void load(missing), ms);
  };
  const load = async (ids: readonly string[]): Promise<void> => {
    const request = new AbortController();
    loading = request;
    const found = await maybeSparklines(address, browser, ids, request.signal);
    if (loading !== request) return; // cleared in the meantime
    loading = null;
    if (found === null) {
      plan(RETRY_MS);
      return;
    }
    for (const id of ids) {
      const series = found.get(id) ?? {};
      const lines = SERIES.map((name) => [name, [...(series[name] ?? [])].slice(-POINTS)] as const);
      kept.set(id, Object.fromEntries(lines) as Kept);
    }
    const excess = [...kept.keys()].filter((id) => !wanted.includes(id));
    for (const id of excess.slice(0, Math.max(0, kept.size - MAX_KEPT))) kept.delete(id);
    changed();
    plan(STILL_MS); // more than fit in one request
  };
  const forget = (): void => {
    loading?.abort();
    loading = null;
    clearTimeout(timer);
    kept.clear();
  };
  return {
    version,
    want: (ids) => {
      wanted = ids;
      plan(STILL_MS);
    },
    of: (id, series) => kept.get(id)?.[series] ?? null,
    add: (rows) => {
      for (const { host, state, values } of rows) {
        const lines = kept.get(host.id);
        if (lines === undefined) continue;
        for (const name of SERIES) {
          lines[name].push(state === "live" ? values[name] : null);
          if (lines[name].length > POINTS) lines[name].shift();
        }
      }
      changed();
    },
    reload: () => {
      forget();
      plan(STILL_MS);
    },
    stop: () => {
      wanted = [];
      forget();
    },
  };
}

/** Return which series a column of the table has, for the sparkline beside it. */
export function seriesFor(sort: string): SeriesName {
  return SERIES.find((name) => name === sort) ?? "cpu";
}
