/**
 * The state of one host's stream: the server, the newest sample, the ring, and the connection. Fed with decoded frames
 * and the ends of connections. Depends neither on sockets nor on React.
 *
 * Strategy. The stream has only live samples. What was before the first one, and during an interruption, is a hole (see
 * `holes`), which is filled later with samples of the past. Those go to the ring: delay and newest sample depend on live
 * samples only. Samples of an interruption count as missed once nobody can send them any more. When the host's wall clock was set, the slots in the ring are moved by the same
 * amount.
 */
import type { End } from "../protocol/ends";
import type { AlertsMessage, Frame, Hello, Sample } from "../protocol/frames";
import { alertsAfter, NO_ALERTS, type Alerts } from "./alerts";
import type { Clock } from "./clock";
import { createStore, type Store } from "./create-store";
import { fastestOf, NO_OFFSETS, withOffset, type Offsets } from "./delay";
import type { Column } from "./flatten";
import { Holes, type Hole } from "./holes";
import { Ring } from "./ring";
import { describedSeconds, stepBetween, tickSeconds } from "./step";

export interface Link {
  readonly phase: "trying" | "open" | "closed";
  readonly end: End | null;
  /** In monotonic milliseconds; null when no try is planned. */
  readonly nextTryAtMs: number | null;
}

/** The state of the request for samples of the past. */
export interface Loading {
  readonly startedAtMs: number;
  /** The host time from which on nothing is missing. Null before the first part. */
  readonly from: number | null;
  /** Why the last request failed; null while one works. */
  readonly reason: string | null;
  readonly nextTryAtMs: number | null;
}

export interface TelemetryState {
  readonly hello: Hello | null;
  readonly latest: Sample | null;
  /** When the newest sample arrived, by the clock of the page. */
  readonly arrivedAtMs: number | null;
  /** Live samples, and those of interruptions that arrived later. */
  readonly received: number;
  readonly missed: number;
  /** Samples of the past that arrived. */
  readonly filled: number;
  /** Null while no sample of the past is requested. */
  readonly loading: Loading | null;
  readonly link: Link;
  readonly startedAtMs: number;
  /** The same moment in seconds since 1970. */
  readonly startedUnix: number;
  /** The fault of the last message that could not be decoded. */
  readonly fault: string | null;
  /** The host times at which the server restarted. */
  readonly restarts: readonly number[];
  readonly alerts: Alerts;
  /** Arrival minus the sample's own time, of the live samples. */
  readonly offsets: Offsets;
  /** The time that the newest sample took longer than the fastest one. */
  readonly delaySeconds: number | null;
  /** The size of the newest sample's message. */
  readonly lastBytes: number;
  /** What arrives beside the stream: on-demand sections, and pages of all processes. */
  readonly sideBytesPerSecond: number;
}

export interface Telemetry {
  readonly store: Store<TelemetryState>;
  readonly ring: Ring;
  readonly opened: () => void;
  readonly frame: (frame: Frame, bytes?: number) => void;
  readonly closed: (end: End, nextTryInMs: number | null) => void;
  /** Counts another connection beside the stream. Returns the function that sets its bytes per second, 0 at its end. */
  readonly countSide: () => (bytesPerSecond: number) => void;
  /** The page gave the connection up and makes another one. */
  readonly replaced: () => void;
  /** The newest hole; null when there is none, or when a new connection has sent no sample yet. */
  readonly hole: () => Hole | null;
  /** How much of a hole the page shows, in seconds back from its end. */
  readonly holeSeconds: (hole: Hole) => number;
  /** Adds the sample before the end of a hole. Returns false when no older one is needed. */
  readonly fill: (hole: Hole, sample: Sample) => boolean;
  /** Shows what was added. `done`: the server has no more for this hole. */
  readonly filled: (hole: Hole, done: boolean) => void;
  /** The past is being requested; after a failure, again in `delayMs`. */
  readonly loading: (failure: { readonly reason: string; readonly delayMs: number } | null) => void;
  /** Nothing of the past is requested any more: it is here, or the connection ended. */
  readonly idle: () => void;
}

/** What the page shows at most. */
const PAST_SECONDS = 600;
const MAX_RESTARTS = 20;
/** A sample that has not arrived after so many ticks is overdue. The page as a whole is late after more, see `freshness`. */
export const OVERDUE_AFTER_TICKS = 1.5;
/** 1 where a sample arrived late: a half tick of the heartbeat. */
export const LATE_COLUMN = "viewer.late";

/** `columnsOf` returns what the ring remembers of a sample. */
export function createTelemetry(
  clock: Clock,
  columnsOf: (sample: Sample) => Column[],
  capacity = 600,
): Telemetry {
  const now = clock.nowMs;
  const ring = new Ring(capacity);
  const holes = new Holes();
  /** Bytes per second of each connection beside the stream. */
  const sides = new Map<symbol, number>();
  /** From `hello` until the first sample of a connection: only there can a jump be an interruption. */
  let isNew = false;
  const store = createStore<TelemetryState>({
    hello: null,
    latest: null,
    arrivedAtMs: null,
    received: 0,
    missed: 0,
    filled: 0,
    loading: null,
    fault: null,
    restarts: [],
    alerts: NO_ALERTS,
    offsets: NO_OFFSETS,
    delaySeconds: null,
    lastBytes: 0,
    link: { phase: "trying", end: null, nextTryAtMs: null },
    startedAtMs: now(),
    startedUnix: clock.unixSeconds(),
    sideBytesPerSecond: 0,
  });

  const alarm = (message: AlertsMessage): void => {
    store.update((state) => {
      const nowUnix = state.latest?.time_unix ?? message.time_unix ?? 0;
      return { ...state, alerts: alertsAfter(state.alerts, message, nowUnix) };
    });
  };

  const greet = (hello: Hello): void => {
    isNew = true;
    store.update((state) => ({ ...state, hello }));
    // A server that has just begun reports its alerts with the first sample; until then, the last ones are shown.
    if (hello.alerts !== null || hello.seq > 0) alarm({ ...hello, time_unix: null });
  };

  const setLink = (link: Link): void => {
    store.update((state) => ({ ...state, link }));
  };

  const add = (sample: Sample, bytes: number): void => {
    const state = store.get();
    const { latest, hello } = state;
    const isFirst = isNew;
    isNew = false;
    if (latest?.stream === sample.stream && sample.seq <= latest.seq) return;
    const columns = columnsOf(sample);
    if (isLate(state, now())) columns.push([LATE_COLUMN, 1]);
    const step = latest && stepBetween(latest, sample, hello);
    let { missed, restarts, offsets } = state;
    if (step !== null && step.clockStep !== 0) {
      ring.shift(step.clockStep);
      holes.shift(step.clockStep);
      restarts = restarts.map((at) => at + step.clockStep);
      offsets = NO_OFFSETS;
    }
    ring.put(sample.time_unix, columns, step?.span ?? describedSeconds(sample, hello));
    // Only the present run of the server can be asked for, and the page shows nothing older.
    const isNewRun = step?.restarted !== false;
    missed += holes.closeBefore(isNewRun ? Infinity : sample.time_unix - PAST_SECONDS);
    if (isNewRun) {
      holes.before(sample, step !== null);
    } else if (isFirst && latest !== null) {
      holes.interrupted(latest.seq, sample, step.missed);
    } else {
      missed += step.missed;
    }
    if (step?.restarted === true) restarts = [...restarts, sample.time_unix].slice(-MAX_RESTARTS);
    store.set({
      ...state,
      latest: sample,
      received: state.received + 1,
      missed,
      restarts,
      arrivedAtMs: now(),
      ...delayOf(offsets, sample, clock),
      lastBytes: bytes,
    });
  };

  const holeSeconds = (hole: Hole): number =>
    Math.max(0, PAST_SECONDS - ((ring.newestX ?? hole.x) - hole.x));

  const fill = (hole: Hole, sample: Sample): boolean => {
    const { after } = hole;
    const isOlder = sample.seq < after.seq && sample.seq > hole.since;
    if (!holes.has(hole) || sample.stream !== hole.stream || !isOlder) return false;
    const { hello } = store.get();
    const step = stepBetween(sample, after, hello);
    ring.describe(hole.x, step.span);
    hole.x -= step.seconds;
    hole.after = sample;
    hole.found += 1;
    return ring.put(hole.x, columnsOf(sample), describedSeconds(sample, hello));
  };

  const filled = (hole: Hole, done: boolean): void => {
    if (!holes.has(hole)) return;
    const state = store.get();
    const { mark } = hole;
    const found = hole.found - hole.counted;
    hole.counted = hole.found;
    if (mark !== null) hole.mark = hole.x;
    store.set({
      ...state,
      filled: state.filled + found,
      loading: state.loading && { ...state.loading, from: hole.x },
      received: state.received + (hole.expected > 0 ? found : 0),
      missed: state.missed + (done ? holes.close(hole) : 0),
      restarts: state.restarts.map((at) => (at === mark ? hole.x : at)),
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
    countSide: () => {
      const side = Symbol();
      return (bytesPerSecond) => {
        if (bytesPerSecond === (sides.get(side) ?? 0)) return;
        if (bytesPerSecond === 0) sides.delete(side);
        else sides.set(side, bytesPerSecond);
        const sideBytesPerSecond = [...sides.values()].reduce((sum, rate) => sum + rate, 0);
        store.update((state) => ({ ...state, sideBytesPerSecond }));
      };
    },
    replaced: () => {
      setLink({ phase: "trying", end: null, nextTryAtMs: null });
    },
    frame: (frame, bytes = 0) => {
      if (frame.type === "hello") greet(frame.hello);
      else if (frame.type === "sample") add(frame.sample, bytes);
      else if (frame.type === "alerts") alarm(frame.alerts);
      else if (frame.type === "error") store.update((state) => ({ ...state, fault: frame.reason }));
    },
    hole: () => (isNew ? null : holes.newest),
    holeSeconds,
    fill,
    filled,
    loading: (failure) => {
      store.update((state) => ({
        ...state,
        loading: {
          startedAtMs: state.loading?.startedAtMs ?? now(),
          from: state.loading?.from ?? null,
          reason: failure?.reason ?? null,
          nextTryAtMs: failure && now() + failure.delayMs,
        },
      }));
    },
    idle: () => {
      store.update((state) => ({ ...state, loading: null }));
    },
  };
}

function isLate({ arrivedAtMs, hello }: TelemetryState, nowMs: number): boolean {
  return (
    arrivedAtMs !== null && nowMs - arrivedAtMs > OVERDUE_AFTER_TICKS * tickSeconds(hello) * 1000
  );
}

function delayOf(before: Offsets, { time_unix }: Sample, clock: Clock) {
  const offset = clock.unixSeconds() - time_unix;
  const offsets = withOffset(before, offset, clock.nowMs(), clock.steps());
  return { offsets, delaySeconds: offset - (fastestOf(offsets) ?? offset) };
}
