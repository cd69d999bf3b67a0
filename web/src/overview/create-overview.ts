/**
 * The overview outside of React: its connection, the newest values of all hosts in a steady order, and the choices of the
 * viewer. Nothing runs before `start`, and nothing after the function that `start` returns; the last values stay.
 *
 * Each message `overview` is the whole state. Names come in the message `hosts`, and with the reasons of failures from
 * `/api/v1/hosts`.
 */
import { createStore, type Store } from "../store/create-store";
import type { LoadNotifier } from "../shell/notifications";
import { tabStatusOf, type TabStatus } from "../shell/tab";
import type { Clock } from "../store/clock";
import { freshness, isDisconnected, type Freshness, type FreshnessState } from "../store/freshness";
import type { ListedHost, Page } from "../store/page";
import { Connection, type Environment } from "../stream/connection";
import { streamAddress } from "../stream/address";
import { RefusalProbe, requestJson, type Browser } from "../stream/refusal";
import type { Choices } from "./choices";
import { decodeOverview, type HostName, type HostsReport, type Reading } from "./frames";
import {
  chosenRows,
  countsOf,
  createOrder,
  keptRows,
  rowsOfGroup,
  wordsOf,
  type Counts,
  type Row,
} from "./order";
import { groupsOf, type Group } from "./groups";
import { createReports } from "./reports";
import { maybeHosts } from "./requests";
import { createSparklines, type Sparklines } from "./sparklines";
import { titleOf } from "./title";

export interface OverviewState extends FreshnessState {
  /** All hosts, in order. */
  readonly rows: readonly Row[];
  /** Those that the viewer chose. While they are held, they keep their places. */
  readonly shown: readonly Row[];
  /** Of the chosen group. */
  readonly counts: Counts;
  readonly groups: readonly Group[];
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
  /** The host that the note describes. Apart from the state, because the pointer changes it while the page scrolls. */
  readonly described: Store<number | null>;
  /** Makes the host with this id the active one, so that the viewer who leaves it finds its row. */
  readonly select: (id: string) => void;
  /** Whether the pointer or the focus is on a row: then no row moves. */
  readonly hold: (held: boolean) => void;
  readonly address: string;
  readonly tryNow: () => void;
  readonly tabStatus: () => TabStatus;
  /** All hosts, in order. */
  readonly list: () => ListedHost[];
  /** Loads what notifies of the alerts of all hosts. */
  readonly loadNotifier: LoadNotifier;
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
  let groups: readonly Group[] = [];
  let readings: readonly Reading[] = [];
  let held = false;
  let shownBy: Choices | null = null;
  const state = createStore<OverviewState>({
    rows: [],
    shown: [],
    counts: new Map(),
    groups: [],
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
    groups = groupsOf(report.hosts);
  };
  /** Return all rows. A host whose name is not known yet is left out until it is. */
  const rows = (): Row[] =>
    readings.flatMap((reading) => {
      const known = names.get(reading.number);
      return known === undefined ? [] : [{ ...reading, ...known }];
    });
  const arrange = (part: Partial<OverviewState> = {}): void => {
    const by = choices.get();
    const all = order(rows(), by, now());
    const ofGroup = rowsOfGroup(all, by.group);
    const chosen = chosenRows(ofGroup, by);
    const shown = held && by === shownBy ? keptRows(state.get().shown, all, chosen) : chosen;
    shownBy = by;
    change({ rows: all, shown, counts: countsOf(ofGroup), groups, more, ...part });
  };
  const take = (report: HostsReport): void => {
    name(report);
    readings = report.readings;
    if (report.version !== null) greeted({ version: report.version, user: report.user });
    arrange({ reasons: report.reasons, arrivedAtMs: now() });
  };
  if (first !== null) take(first);

  const reports = createReports({
    ...{ first, take, now },
    request: (signal) => maybeHosts(address, browser, signal),
  });

  let heardAtMs = now();
  /** The sparklines miss what was sent since. */
  let interrupted = true;
  const interrupt = (): void => {
    interrupted = true;
    reports.interrupted();
  };
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
        reports.check(readings, frame.revision !== revision);
      },
      closed: (end, nextTryInMs) => {
        interrupt();
        const nextTryAtMs = nextTryInMs === null ? null : now() + nextTryInMs;
        change({ link: { phase: "closed", end, nextTryAtMs } });
      },
      diagnose: (end, signal) => probe.diagnose(end, signal),
    },
    browser,
  );
  const replace = (): void => {
    heardAtMs = now();
    interrupt();
    change({ link: { phase: "trying", end: null, nextTryAtMs: null } });
    connection.replace();
  };
  const active = createStore<number | null>(null);
  const isOpen = (): boolean => state.get().link.phase === "open";

  return {
    state,
    choices,
    sparklines,
    active,
    select: (id) => {
      const row = state.get().rows.find(({ host }) => host.id === id);
      if (row !== undefined) active.set(row.number);
    },
    described: createStore<number | null>(null),
    hold: (next) => {
      if (held === next) return;
      held = next;
      if (!held) arrange();
    },
    address: new URL(".", address).href,
    tryNow: () => {
      connection.tryNow();
    },
    tabStatus: () =>
      tabStatusOf(
        titleOf(state.get().counts, rowsOfGroup(state.get().rows, choices.get().group)),
        freshness(state.get(), now()),
      ),
    list: () =>
      state.get().rows.map(({ host, state: word }) => ({
        id: host.id,
        name: host.name,
        state: word,
      })),
    loadNotifier: async () => {
      const { notifyOfHosts } = await import("./notifier");
      const request: Page["request"] = (path, signal) =>
        requestJson(new URL(path, address).href, browser, signal);
      return () => notifyOfHosts(state, request);
    },
    tick: () => {
      if (isOpen() && now() - heardAtMs > SILENT_MS) replace();
      else if (freshness(state.get(), now()).kind !== "live") change({}); // its age
    },
    wake: () => {
      if (!isOpen()) connection.wake();
      else if (now() - heardAtMs > DOUBTFUL_MS) replace();
      change({});
    },
    start: () => {
      heardAtMs = now();
      change({ link: { phase: "trying", end: null, nextTryAtMs: null } });
      connection.start();
      const leave = choices.subscribe(arrange);
      return () => {
        leave();
        interrupt();
        connection.stop();
        sparklines.stop();
        reports.stop();
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

/** Return how old the values of a host are. While the page is disconnected, all of them become older. */
export function ageOf(
  { ageSeconds }: Pick<Row, "ageSeconds">,
  { nowMs, arrivedAtMs }: Pick<OverviewState, "nowMs" | "arrivedAtMs">,
  fresh: Freshness,
): number | null {
  if (ageSeconds === null || arrivedAtMs === null || !isDisconnected(fresh)) return ageSeconds;
  return ageSeconds + Math.max(0, nowMs - arrivedAtMs) / 1000;
}
