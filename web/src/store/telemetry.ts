/**
 * What the page knows: who it talks to, the newest sample, the ring, and how well it is connected.
 * Fed with decoded frames and the ends of connections; knows neither sockets nor React.
 *
 * Strategy. A sample goes to the slot after its forerunner. Slots in between are left empty when
 * `seq` jumps (samples were dropped) or when more time went by than ticks account for (suspend, or
 * another run of the server). Time between samples is taken from uptime where both runs know it,
 * since the wall clock may be set; when it was, the ring is moved along.
 */
import type { End } from "../protocol/ends";
import type { Frame, Hello, Sample } from "../protocol/frames";
import { createStore, type Store } from "./create-store";
import { flatten } from "./flatten";
import { Ring } from "./ring";
import { alertsOf, readingsOf, watch, type Alert, type Watches } from "./thresholds";

export interface Link {
  readonly phase: "trying" | "open" | "closed";
  readonly end: End | null;
  /** Monotonic milliseconds; null when nobody tries by itself, or a try is under way. */
  readonly nextTryAtMs: number | null;
}

export interface TelemetryState {
  readonly hello: Hello | null;
  readonly latest: Sample | null;
  /** When the newest sample arrived, by the browser's monotonic clock. */
  readonly arrivedAtMs: number | null;
  readonly received: number;
  readonly missed: number;
  readonly link: Link;
  readonly startedAtMs: number;
  /** The last message that made no sense. */
  readonly fault: string | null;
  /** Host times at which another run of the server began. */
  readonly restarts: readonly number[];
  readonly watches: Watches;
  /** The same map until one comes, goes or changes its level. */
  readonly alerts: ReadonlyMap<string, Alert>;
  /** Arrival minus the sample's own time, in seconds, of the quickest sample: clocks apart, mostly. */
  readonly quickestSeconds: number | null;
  /** How much later than the quickest the newest one was. */
  readonly delaySeconds: number | null;
  readonly lastBytes: number;
}

/** The browser's clocks: monotonic milliseconds, and seconds since 1970. */
export interface Clocks {
  readonly monotonicMs: () => number;
  readonly unixSeconds: () => number;
}

export interface Telemetry {
  readonly store: Store<TelemetryState>;
  readonly ring: Ring;
  readonly opened: () => void;
  readonly frame: (frame: Frame, bytes?: number) => void;
  readonly closed: (end: End, nextTryInMs: number | null) => void;
  readonly resumePoint: () => { seq: number; stream: string } | null;
}

const CLOCK_STEP_SECONDS = 2;
const MOST_RESTARTS = 20;
/** 1 where a sample came much later than its forerunner: the half ticks of the heartbeat. */
export const LATE_COLUMN = "viewer.late";

export function createTelemetry(clocks: Clocks, capacity = 600): Telemetry {
  const now = clocks.monotonicMs;
  const ring = new Ring(capacity);
  const store = createStore<TelemetryState>({
    hello: null,
    latest: null,
    arrivedAtMs: null,
    received: 0,
    missed: 0,
    link: { phase: "trying", end: null, nextTryAtMs: null },
    startedAtMs: now(),
    fault: null,
    restarts: [],
    watches: new Map(),
    alerts: new Map(),
    quickestSeconds: null,
    delaySeconds: null,
    lastBytes: 0,
  });

  const setLink = (link: Link): void => {
    store.update((state) => ({ ...state, link }));
  };

  const take = (samples: readonly Sample[], live: { bytes: number } | null): void => {
    const state = store.get();
    let { latest, received, missed, restarts, watches } = state;
    for (const sample of samples) {
      const step = place(ring, latest, sample, state.hello, live !== null && isLate(state, now()));
      if (step === null) continue;
      received += 1;
      missed += step.missed;
      if (step.restarted) restarts = [...restarts, sample.time_unix].slice(-MOST_RESTARTS);
      watches = watch(watches, readingsOf(sample), sample.time_unix);
      latest = sample;
    }
    if (latest === null || latest === state.latest) return;
    store.set({
      ...state,
      latest,
      received,
      missed,
      restarts,
      watches,
      alerts: unlessSame(state.alerts, alertsOf(watches)),
      arrivedAtMs: now(),
      ...(live && { ...delay(state, latest, clocks), lastBytes: live.bytes }),
    });
  };

  return {
    store,
    ring,
    opened: () => {
      setLink({ phase: "open", end: null, nextTryAtMs: null });
    },
    closed: (end, nextTryInMs) => {
      const nextTryAtMs = nextTryInMs === null ? null : now() + nextTryInMs;
      setLink({ phase: "closed", end, nextTryAtMs });
    },
    frame: (frame, bytes = 0) => {
      if (frame.type === "hello") store.update((state) => ({ ...state, hello: frame.hello }));
      else if (frame.type === "sample") take([frame.sample], { bytes });
      else if (frame.type === "history") take(frame.samples, null);
      else if (frame.type === "error") store.update((state) => ({ ...state, fault: frame.reason }));
    },
    resumePoint: () => {
      const { latest } = store.get();
      return latest === null ? null : { seq: latest.seq, stream: latest.stream };
    },
  };
}

/** Seconds between two samples of this viewer. */
export function tickSeconds(hello: Hello | null): number {
  return hello === null ? 1 : hello.interval_seconds * (hello.every ?? 1);
}

interface Step {
  readonly missed: number;
  readonly restarted: boolean;
}

function isLate({ arrivedAtMs, hello }: TelemetryState, nowMs: number): boolean {
  return arrivedAtMs !== null && nowMs - arrivedAtMs > 1500 * tickSeconds(hello);
}

/** Against the quickest seen: what is left of network, queue and event loop, clocks taken out. */
function delay(state: TelemetryState, { time_unix }: Sample, { unixSeconds }: Clocks) {
  const offset = unixSeconds() - time_unix;
  const quickestSeconds = Math.min(state.quickestSeconds ?? offset, offset);
  return { quickestSeconds, delaySeconds: offset - quickestSeconds };
}

function unlessSame(
  before: ReadonlyMap<string, Alert>,
  after: ReadonlyMap<string, Alert>,
): ReadonlyMap<string, Alert> {
  if (before.size !== after.size) return after;
  for (const [id, { level }] of after) if (before.get(id)?.level !== level) return after;
  return before;
}

/** Puts a sample into the ring behind `before`; null when it is not newer. */
function place(
  ring: Ring,
  before: Sample | null,
  sample: Sample,
  hello: Hello | null,
  late: boolean,
): Step | null {
  const columns = flatten(sample);
  if (late) columns.push([LATE_COLUMN, 1]);
  if (before === null) {
    ring.push(sample.time_unix, columns);
    return { missed: 0, restarted: false };
  }
  const sameRun = before.stream === sample.stream;
  if (sameRun && sample.seq <= before.seq) return null;
  const seconds = elapsed(before, sample);
  const clockStep = sample.time_unix - before.time_unix - seconds;
  if (Math.abs(clockStep) > CLOCK_STEP_SECONDS) ring.shift(clockStep);

  const tick = tickSeconds(hello);
  const ticks = Math.round((sample.seq - before.seq) / (hello?.every ?? 1));
  const missed = sameRun ? Math.max(0, ticks - 1) : 0;
  const skipped = sameRun && seconds < 2.5 * tick ? 0 : Math.round(seconds / tick) - 1;
  const holes = Math.min(ring.capacity, Math.max(missed, skipped));
  const from = sample.time_unix - seconds;
  for (let hole = 1; hole <= holes; hole += 1) ring.pushHole(from + (seconds * hole) / (holes + 1));
  ring.push(sample.time_unix, columns);
  return { missed, restarted: !sameRun };
}

/** Uptime counts on through suspend and is never set; only a reboot starts it anew. */
function elapsed(before: Sample, sample: Sample): number {
  const wall = Math.max(1e-3, sample.time_unix - before.time_unix);
  if (before.uptime_seconds === null || sample.uptime_seconds === null) return wall;
  const up = sample.uptime_seconds - before.uptime_seconds;
  return up > 0 ? up : wall;
}
