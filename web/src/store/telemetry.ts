/**
 * The state of one host's stream: the server, the newest sample, the ring, and the connection. Fed with decoded frames
 * and the ends of connections. Depends neither on sockets nor on React.
 *
 * Strategy. A sample goes to the slot after the one before it. Slots between them stay empty when `seq` jumps (samples
 * were dropped), or when more time passed than the samples describe (a suspend, or a restart of the server). Each sample
 * has its own interval, because a server without viewers takes samples less often. The time between two samples comes
 * from the uptime where both have it, because the wall clock may be set. When the wall clock was set, the slots in the
 * ring are moved by the same amount.
 */
import type { End } from "../protocol/ends";
import type { Frame, Hello, Sample } from "../protocol/frames";
import type { Clock } from "./clock";
import { createStore, type Store } from "./create-store";
import { fastestOf, NO_OFFSETS, withOffset, type Offsets } from "./delay";
import type { Column } from "./flatten";
import { Ring } from "./ring";
import { alertsOf, watch, type Alert, type Reading, type Watches } from "./thresholds";

export interface Link {
  readonly phase: "trying" | "open" | "closed";
  readonly end: End | null;
  /** In monotonic milliseconds; null when no try is planned. */
  readonly nextTryAtMs: number | null;
}

export interface TelemetryState {
  readonly hello: Hello | null;
  readonly latest: Sample | null;
  /** When the newest sample arrived, by the clock of the page. */
  readonly arrivedAtMs: number | null;
  readonly received: number;
  readonly missed: number;
  readonly link: Link;
  readonly startedAtMs: number;
  /** The fault of the last message that could not be decoded. */
  readonly fault: string | null;
  /** The host times at which the server restarted. */
  readonly restarts: readonly number[];
  /** The time of the host in seconds from the first sample on, by uptime: setting its clock does not change it. */
  readonly hostSeconds: number;
  readonly watches: Watches;
  /** The same object until an alert fires, resolves or changes its level. */
  readonly alerts: ReadonlyMap<string, Alert>;
  /** Arrival minus the sample's own time, of the live samples. */
  readonly offsets: Offsets;
  /** The time that the newest sample took longer than the fastest one. */
  readonly delaySeconds: number | null;
  /** The size of the newest sample's message. */
  readonly lastBytes: number;
  /** The same of the connection for on-demand sections; 0 while there is none. */
  readonly sideBytes: number;
}

/** The rules by which a sample becomes columns of the ring and values with thresholds. The sections define them. */
export interface SampleRules {
  readonly columnsOf: (sample: Sample) => Column[];
  readonly readingsOf: (sample: Sample) => Reading[];
}

export interface Telemetry {
  readonly store: Store<TelemetryState>;
  readonly ring: Ring;
  readonly opened: () => void;
  readonly frame: (frame: Frame, bytes?: number) => void;
  readonly closed: (end: End, nextTryInMs: number | null) => void;
  /** The size of a message on the connection for on-demand sections; 0 when it ends. */
  readonly sideReceived: (bytes: number) => void;
  /** The page gave the connection up and makes another one. */
  readonly replaced: () => void;
  /** The newest sample, from which a new connection resumes. */
  readonly resumePoint: () => { seq: number; stream: string } | null;
}

const CLOCK_STEP_SECONDS = 2;
const MAX_RESTARTS = 20;
export const LATE_AFTER_TICKS = 1.5;
/** 1 where a sample arrived late: a half tick of the heartbeat. */
export const LATE_COLUMN = "viewer.late";

export function createTelemetry(clock: Clock, rules: SampleRules, capacity = 600): Telemetry {
  const now = clock.nowMs;
  const ring = new Ring(capacity);
  const store = createStore<TelemetryState>({
    hello: null,
    latest: null,
    arrivedAtMs: null,
    received: 0,
    missed: 0,
    fault: null,
    restarts: [],
    hostSeconds: 0,
    watches: new Map(),
    alerts: new Map(),
    offsets: NO_OFFSETS,
    delaySeconds: null,
    lastBytes: 0,
    link: { phase: "trying", end: null, nextTryAtMs: null },
    startedAtMs: now(),
    sideBytes: 0,
  });

  const setLink = (link: Link): void => {
    store.update((state) => ({ ...state, link }));
  };

  /** `live` is null for a history, whose samples have no time of arrival of their own. */
  const add = (samples: readonly Sample[], live: { bytes: number } | null): void => {
    const state = store.get();
    const late = live !== null && isLate(state, now());
    let { latest, received, missed, restarts, watches, offsets, hostSeconds } = state;
    for (const sample of samples) {
      const columns = rules.columnsOf(sample);
      if (late) columns.push([LATE_COLUMN, 1]);
      const step = append(ring, latest, sample, columns, state.hello);
      if (step === null) continue;
      received += 1;
      missed += step.missed;
      if (step.clockWasSet) offsets = NO_OFFSETS;
      if (step.restarted) restarts = [...restarts, sample.time_unix].slice(-MAX_RESTARTS);
      hostSeconds += step.seconds;
      watches = watch(watches, rules.readingsOf(sample), {
        at: hostSeconds,
        afterGap: step.afterGap,
      });
      latest = sample;
    }
    if (latest === null || latest === state.latest) return;
    store.set({
      ...state,
      latest,
      received,
      missed,
      restarts,
      hostSeconds,
      watches,
      alerts: sameOr(state.alerts, alertsOf(watches)),
      arrivedAtMs: now(),
      offsets,
      ...(live && { ...delayOf(offsets, latest, clock), lastBytes: live.bytes }),
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
    sideReceived: (sideBytes) => {
      store.update((state) => ({ ...state, sideBytes }));
    },
    replaced: () => {
      setLink({ phase: "trying", end: null, nextTryAtMs: null });
    },
    frame: (frame, bytes = 0) => {
      if (frame.type === "hello") store.update((state) => ({ ...state, hello: frame.hello }));
      else if (frame.type === "sample") add([frame.sample], { bytes });
      else if (frame.type === "history") add(frame.samples, null);
      else if (frame.type === "error") store.update((state) => ({ ...state, fault: frame.reason }));
    },
    resumePoint: () => {
      const { latest } = store.get();
      return latest === null ? null : { seq: latest.seq, stream: latest.stream };
    },
  };
}

/** Return the seconds between two samples of this viewer. */
export function tickSeconds(hello: Hello | null): number {
  return hello === null ? 1 : hello.interval_seconds * (hello.every ?? 1);
}

function isLate({ arrivedAtMs, hello }: TelemetryState, nowMs: number): boolean {
  return arrivedAtMs !== null && nowMs - arrivedAtMs > LATE_AFTER_TICKS * tickSeconds(hello) * 1000;
}

function delayOf(before: Offsets, { time_unix }: Sample, clock: Clock) {
  const offset = clock.unixSeconds() - time_unix;
  const offsets = withOffset(before, offset, clock.nowMs(), clock.steps());
  return { offsets, delaySeconds: offset - (fastestOf(offsets) ?? offset) };
}

function sameOr(
  before: ReadonlyMap<string, Alert>,
  after: ReadonlyMap<string, Alert>,
): ReadonlyMap<string, Alert> {
  if (before.size !== after.size) return after;
  for (const [id, { level }] of after) if (before.get(id)?.level !== level) return after;
  return before;
}

interface Step {
  /** Since the sample before. */
  readonly seconds: number;
  readonly afterGap: boolean;
  readonly missed: number;
  readonly restarted: boolean;
  /** The host's clock was set since the sample before. */
  readonly clockWasSet: boolean;
}

/** Add a sample to the ring, after `before`. Null when it is not newer. */
function append(
  ring: Ring,
  before: Sample | null,
  sample: Sample,
  columns: readonly Column[],
  hello: Hello | null,
): Step | null {
  const tick = tickOf(sample, hello);
  if (before === null) {
    ring.push(sample.time_unix, columns, tick);
    return { seconds: 0, afterGap: false, missed: 0, restarted: false, clockWasSet: false };
  }
  const sameRun = before.stream === sample.stream;
  if (sameRun && sample.seq <= before.seq) return null;
  const seconds = secondsBetween(before, sample);
  const clockStep = sample.time_unix - before.time_unix - seconds;
  const clockWasSet = Math.abs(clockStep) > CLOCK_STEP_SECONDS;
  if (clockWasSet) ring.shift(clockStep);

  const ticks = Math.round((sample.seq - before.seq) / (hello?.every ?? 1));
  const missed = sameRun ? Math.max(0, ticks - 1) : 0;
  const skipped = sameRun && seconds < 2.5 * tick ? 0 : Math.round(seconds / tick) - 1;
  const empty = Math.min(ring.capacity, Math.max(missed, skipped));
  const from = sample.time_unix - seconds;
  const span = seconds / (empty + 1);
  for (let slot = 1; slot <= empty; slot += 1) ring.pushGap(from + span * slot, span);
  ring.push(sample.time_unix, columns, span);
  return { seconds, afterGap: empty > 0, missed, restarted: !sameRun, clockWasSet };
}

/**
 * Return the seconds that a sample describes. Its interval does not include a suspend. A late tick of the server makes
 * it longer, but no shorter than the configured one.
 */
function tickOf({ interval_seconds }: Sample, hello: Hello | null): number {
  const every = hello?.every ?? 1;
  return Math.max(tickSeconds(hello), (interval_seconds ?? 0) * every);
}

/** Return the seconds by uptime, which includes suspend and cannot be set. It falls only when the host was rebooted. */
function secondsBetween(before: Sample, sample: Sample): number {
  const wall = Math.max(1e-3, sample.time_unix - before.time_unix);
  if (before.uptime_seconds === null || sample.uptime_seconds === null) return wall;
  const uptime = sample.uptime_seconds - before.uptime_seconds;
  return uptime > 0 ? uptime : wall;
}
