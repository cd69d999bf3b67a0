/**
 * Pages of all processes of the host, which the server lists on request. A page is requested again and again while it is
 * on screen. Nothing is requested while the page is paused or has no connection.
 */
import { RequestError } from "../../protocol/ends";
import { field, number, object } from "../../protocol/shape";
import { SECTIONS, type Process } from "../../protocol/sections";
import type { Store } from "../../store/create-store";
import type { Host } from "../../store/page";
import type { Pause } from "../../store/timeline";
import type { SortKey } from "./order";

export interface PageQuery {
  readonly offset: number;
  readonly limit: number;
  readonly sort: SortKey;
  readonly reversed: boolean;
  readonly filter: string;
}

export interface ProcessPage {
  /** The place of its first row. */
  readonly offset: number;
  readonly rows: readonly Process[];
  /** The number of processes that match the filter. */
  readonly matching: number;
  /** Of so many processes, the command line is not known yet for the filter or the order. */
  readonly unread: number;
}

/** What the page shows: the newest page, and why there is no newer one. */
export interface Listed {
  readonly page: ProcessPage | null;
  readonly failure: string | null;
}

const SORTS: Readonly<Record<SortKey, string>> = {
  pid: "pid",
  command: "command",
  user: "user",
  state: "state",
  cpu: "cpu_percent",
  memory: "memory_rss_bytes",
  threads: "threads",
};
/** While the viewer types, not every letter is a request. */
const FIRST_MS = 150;
const NEXT_MS = 1000;
const FAILED_MS = 5000;

/**
 * Request the page, and return the function that ends it. `notBeforeMs` is the server's Retry-After by `performance.now`,
 * which the pages of a table share.
 */
export function watchPage(
  { request, telemetry }: Pick<Host, "request" | "telemetry">,
  pause: Store<Pause | null>,
  query: PageQuery,
  notBeforeMs: { current: number },
  take: (change: Partial<Listed>) => void,
): () => void {
  const path = pathOf(query);
  const ended = new AbortController();
  const count = telemetry.countSide();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const load = async (): Promise<number> => {
    if (pause.get() !== null || telemetry.store.get().link.phase !== "open") {
      count(0);
      return NEXT_MS;
    }
    const startedAt = performance.now();
    const received = (bytes: number): void => {
      count((bytes * 1000) / (performance.now() - startedAt + NEXT_MS));
    };
    try {
      const page = pageOf(await request(path, ended.signal, received));
      // A paused page does not change.
      if (!ended.signal.aborted && pause.get() === null) take({ page, failure: null });
      return NEXT_MS;
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      if (ended.signal.aborted) return FAILED_MS;
      count(0);
      take({ failure });
      const retryAfterMs = error instanceof RequestError ? error.retryAfterSeconds * 1000 : 0;
      notBeforeMs.current = performance.now() + retryAfterMs;
      return retryAfterMs === 0 ? FAILED_MS : retryAfterMs;
    }
  };
  const schedule = (delayMs: number): void => {
    timer = setTimeout(() => {
      void load().then((nextMs) => {
        if (!ended.signal.aborted) schedule(nextMs);
      });
    }, delayMs);
  };
  schedule(Math.max(FIRST_MS, notBeforeMs.current - performance.now()));
  return () => {
    clearTimeout(timer);
    ended.abort();
    count(0);
  };
}

function pathOf({ offset, limit, sort, reversed, filter }: PageQuery): string {
  const query = new URLSearchParams({ offset: String(offset), limit: String(limit) });
  query.set("sort", SORTS[sort]);
  if (reversed) query.set("reverse", "1");
  if (filter.trim() !== "") query.set("filter", filter);
  return `api/v1/processes?${query.toString()}`;
}

function pageOf(value: unknown): ProcessPage {
  const answer = object(value);
  return {
    offset: field(answer, "offset", number),
    rows: SECTIONS.processes({ top: answer["processes"] }).top ?? [],
    matching: field(answer, "matching", number),
    unread: field(answer, "unread", number),
  };
}
