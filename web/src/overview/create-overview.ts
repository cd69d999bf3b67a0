/**
 * The overview outside of React: its connection, the newest values of all hosts in a steady order, and the choices of the
 * viewer. Nothing runs before `start`, and nothing after the function that `start` returns; the last values stay.
 *
 * Each message `overview` is the whole state. Names come in the message `hosts`, and with the reasons of failures from
 * `/api/v1/hosts`, which is requested when a message was lost or when hosts fail.
 */
import { createStore, type Store } from "../store/create-store";
import { tabStatusOf, type TabStatus, type Title } from "../shell/tab";
import type { Clock } from "../store/clock";
import { freshness, isDisconnected, type Freshness, type FreshnessState } from "../store/freshness";
import type { ListedHost } from "../store/page";
import { Connection, type Environment } from "../stream/connection";
import { streamAddress } from "../stream/address";
import { RefusalProbe, type Browser } from "../stream/refusal";
import type { Choices } from "./choices";
import { decodeOverview, type HostName, type HostsReport, type Reading } from "./frames";
import { chosenRows, countsOf, createOrder, wordsOf, type Counts, type Row } from "./order";
import { maybeHosts } from "./requests";
import { LOOKS } from "./states";
import { createSparklines, type Sparklines } from "./sparklines";

export interface OverviewState extends FreshnessState {
  /** All hosts, in order. */
  readonly rows: readonly Row[];
  readonly counts: Counts;
  /** Hosts beyond the limit, which are not shown. */
  readonly more: number;
  /** Why a host has no values, by number. */
  readonly reasons: ReadonlyMap<number, string>;
  /** The fault of the last message that could not be decoded. */
  readonly fault: string | null;
  readonly nowMs: number;
}

export interface RunningOverview {
  readonly state: Store<OverviewState>;
  readonly choices: Store<Choices>;
  readonly sparklines: Sparklines;
  /** The host whose row the tab key reaches; it stays the same wherever the row moves. */
  readonly active: Store<number | null>;
  /** Whether the pointer or the focus is on a row: then no row moves. */
  readonly hold: (held: boolean) => void;
  readonly address: string;
  readonly tryNow: () => void;
  readonly tabStatus: () => TabStatus;
  /** The hosts that the viewer chose, in order. */
  readonly list: () => ListedHost[];
  readonly start: () => () => void;
  /** Called once per second. */
  readonly tick: () => void;
  readonly wake: () => void;
}

/** What the overview needs of the page. */
export interface Surroundings {
  readonly clock: Clock;
  readonly browser: Browser & Environment;
  /** The answer of the server has its version, and the name of this viewer's token. */
  readonly greeted: (hello: { version: string; user: string | null }) => void;
}

const SILENT_MS = 10_000;
/** At one message per second, a connection that works is not silent for so long. */
const DOUBTFUL_MS = 2500;
/** Between two requests of the names and reasons. */
const ASK_EVERY_MS = 5000;
/** The reasons of hosts that do not answer may change without a change of their state. */
const ASK_AGAIN_MS = 60_000;

export function createOverview(
  address: string,
  choices: Store<Choices>,
  first: HostsReport | null,
  { clock, browser, greeted }: Surroundings,
): RunningOverview {
  const now = clock.nowMs;
  const order = createOrder();
  const sparklines = createSparklines(address, browser);
  let revision = -1;
  let more = 0;
  let names: ReadonlyMap<number, Named> = new Map();
  let readings: readonly Reading[] = [];
  let held = false;
  const state = createStore<OverviewState>({
    rows: [],
    counts: new Map(),
    more: 0,
    reasons: new Map(),
    fault: null,
    nowMs: now(),
    link: { phase: "trying", end: null, nextTryAtMs: null },
    arrivedAtMs: null,
    startedAtMs: now(),
    hello: null,
  });
  const change = (part: Partial<OverviewState>): void => {
    state.update((before) => ({ ...before, ...part, nowMs: now() }));
  };
  const name = (report: Pick<HostsReport, "revision" | "hosts" | "more">): void => {
    ({ revision, more } = report);
    names = named(report.hosts);
  };
  /** Return all rows. A host whose name is not known yet is left out until it is. */
  const rows = (): Row[] =>
    readings.flatMap((reading) => {
      const known = names.get(reading.number);
      return known === undefined ? [] : [{ ...reading, ...known }];
    });
  const arrange = (part: Partial<OverviewState> = {}): void => {
    const all = order(rows(), choices.get(), { nowMs: now(), held });
    change({ rows: all, counts: countsOf(all), more, ...part });
  };
  const take = (report: HostsReport): void => {
    name(report);
    readings = report.readings;
    if (report.version !== null) greeted({ version: report.version, user: report.user });
    arrange({ reasons: report.reasons, arrivedAtMs: now() });
  };
  if (first !== null) take(first);

  let askedAtMs = first === null ? -Infinity : now();
  let failing = failingOf(readings);
  let asking: AbortController | null = null;
  const ask = async (): Promise<void> => {
    if (asking !== null) return;
    askedAtMs = now();
    const request = new AbortController();
    asking = request;
    const report = await maybeHosts(address, browser, request.signal);
    if (asking !== request) return; // it was stopped in the meantime
    asking = null;
    if (report !== null) take(report);
  };
  const askIfNeeded = (expected: number): void => {
    const sinceMs = now() - askedAtMs;
    const present = failingOf(readings);
    const isDue =
      expected !== revision || present !== failing || (present !== "" && sinceMs > ASK_AGAIN_MS);
    if (!isDue || sinceMs < ASK_EVERY_MS) return;
    failing = present;
    void ask();
  };

  let heardAtMs = now();
  let interrupted = true;
  const probe = new RefusalProbe(address, browser, "api/v1/stream?hosts=*&top=1");
  const connection = new Connection(
    () => streamAddress(address, { hosts: "*" }),
    {
      opened: () => {
        heardAtMs = now();
        probe.opened();
        change({ link: { phase: "open", end: null, nextTryAtMs: null } });
      },
      message: (text) => {
        heardAtMs = now();
        const frame = decodeOverview(text);
        if (frame.type === "error") change({ fault: frame.reason });
        if (frame.type === "hosts") name(frame);
        if (frame.type !== "overview") return;
        readings = frame.readings;
        arrange({ arrivedAtMs: now(), fault: null });
        if (interrupted) sparklines.reload();
        interrupted = false;
        sparklines.add(state.get().rows);
        askIfNeeded(frame.revision);
      },
      closed: (end, nextTryInMs) => {
        interrupted = true;
        const nextTryAtMs = nextTryInMs === null ? null : now() + nextTryInMs;
        change({ link: { phase: "closed", end, nextTryAtMs } });
      },
      diagnose: (end, signal) => probe.diagnose(end, signal),
    },
    browser,
  );
  const replace = (): void => {
    heardAtMs = now();
    interrupted = true;
    change({ link: { phase: "trying", end: null, nextTryAtMs: null } });
    connection.replace();
  };
  const isOpen = (): boolean => state.get().link.phase === "open";

  return {
    state,
    choices,
    sparklines,
    active: createStore<number | null>(null),
    hold: (next) => {
      if (held === next) return;
      held = next;
      if (!held) arrange();
    },
    address: new URL(".", address).href,
    tryNow: () => {
      connection.tryNow();
    },
    tabStatus: () => tabStatusOf(titleOf(state.get().counts), freshness(state.get(), now())),
    list: () =>
      chosenRows(state.get().rows, choices.get()).map(({ host, state: word }) => ({
        id: host.id,
        name: host.name,
        state: word,
      })),
    tick: () => {
      if (isOpen() && now() - heardAtMs > SILENT_MS) replace();
      else if (freshness(state.get(), now()).kind !== "live") change({}); // its age
    },
    wake: () => {
      if (!isOpen()) connection.tryNow();
      else if (now() - heardAtMs > DOUBTFUL_MS) replace();
      change({});
    },
    start: () => {
      heardAtMs = now();
      interrupted = true;
      change({ link: { phase: "trying", end: null, nextTryAtMs: null } });
      connection.start();
      const leave = choices.subscribe(arrange);
      return () => {
        leave();
        connection.stop();
        sparklines.stop();
        asking?.abort();
        asking = null;
      };
    },
  };
}

type Named = Pick<Row, "host" | "byName" | "words">;

const COLLATOR = new Intl.Collator(undefined, { numeric: true });

function named(hosts: readonly HostName[]): ReadonlyMap<number, Named> {
  const sorted = hosts.toSorted(
    (one, other) => COLLATOR.compare(one.name, other.name) || one.number - other.number,
  );
  return new Map(
    sorted.map((host, byName) => [host.number, { host, byName, words: wordsOf(host) }]),
  );
}

/** Return the title of the tab: the worst state, and how many hosts are in it. */
function titleOf(counts: Counts): Title {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const name = `${total} ${total === 1 ? "host" : "hosts"}`;
  const [worst] = [...counts].filter(([state]) => LOOKS[state].level !== undefined);
  if (worst === undefined) return { name };
  const [state, count] = worst;
  const level = LOOKS[state].level;
  return level === undefined ? { name } : { name, worst: { level, label: `${count} ${state}` } };
}

/** Return a text that changes when a host begins or ends to fail, or fails in another way. */
function failingOf(readings: readonly Reading[]): string {
  return readings
    .filter(({ state }) => state !== "live" && state !== "gone")
    .map(({ number, state }) => `${number} ${state}`)
    .join();
}

/** Return how old the values of a host are. While the page is disconnected, all of them become older. */
export function ageOf(
  { ageSeconds }: Pick<Row, "ageSeconds">,
  { nowMs, arrivedAtMs }: Pick<OverviewState, "nowMs" | "arrivedAtMs">,
  fresh: Freshness,
): number | null {
  if (ageSeconds === null || arrivedAtMs === null || !isDisconnected(fresh)) return ageSeconds;
  return ageSeconds + Math.max(0, nowMs - arrivedAtMs) / 1000;
}
