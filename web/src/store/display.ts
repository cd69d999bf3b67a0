/**
 * What the page shows of a host at this moment: the newest sample and the ring or, while paused, a snapshot of both; and
 * the span of time on the x axis of every chart. Pure: a function of telemetry, snapshot, pause, window and time.
 */
import type { Sample } from "../protocol/frames";
import { freshness, isDisconnected, type Freshness } from "./freshness";
import type { Ring, Slice } from "./ring";
import { tickSeconds } from "./step";
import type { Telemetry, TelemetryState } from "./telemetry";
import { liveEdge, timelineOf, type Pause, type Timeline } from "./timeline";

/** Taken when the viewer pauses, and shown until the page is live again. */
export interface Snapshot {
  /** Its alerts are shown until then, too. The samples received after it are waiting. */
  readonly state: TelemetryState;
  readonly ring: Ring;
}

/** The span of time that the page shows. */
export interface Span {
  readonly pause: Pause | null;
  readonly windowSeconds: number;
}

/** The content to draw. It stays the same object until it would look different. */
export interface Picture {
  readonly sample: Sample | null;
  readonly ring: Ring;
  readonly from: number;
  readonly to: number;
  /** The ring between `from` and `to`, and one slot before it, so that lines reach the left edge. */
  readonly slice: Slice;
  /** The same and the minute before it: the y axes are scaled to this. */
  readonly wider: Slice;
  readonly tick: number;
  /** The samples of the past that had arrived: with more of them, the same span looks different. */
  readonly filled: number;
  /** The values may be wrong by now, so they lose their colour. */
  readonly disconnected: boolean;
}

export interface Display {
  readonly picture: Picture;
  readonly timeline: Timeline;
  /** The state of the stream, or that at the pause: nothing on a paused page changes. */
  readonly state: TelemetryState;
  readonly fresh: Freshness;
  readonly paused: boolean;
  /** Samples that have arrived since the pause. */
  readonly waiting: number;
  readonly nowMs: number;
}

const SCALE_MEMORY_SECONDS = 60;

export function displayOf(
  telemetry: Telemetry,
  snapshot: Snapshot | null,
  { pause, windowSeconds }: Span,
  nowMs: number,
  before: Display | null = null,
): Display {
  const newest = telemetry.store.get();
  const fresh = freshness(newest, nowMs);
  const { state, ring } = snapshot ?? { state: newest, ring: telemetry.ring };
  const timeline = timelineOf(pause, windowSeconds, liveEdge(newest, nowMs));
  const disconnected = snapshot === null && isDisconnected(fresh);
  return {
    picture: pictureOf(state, ring, timeline, disconnected, before?.picture ?? null),
    timeline,
    state,
    fresh,
    nowMs,
    paused: timeline.mode !== "live",
    waiting: newest.received - state.received,
  };
}

function pictureOf(
  { latest: sample, hello, filled }: TelemetryState,
  ring: Ring,
  { from, to }: Timeline,
  disconnected: boolean,
  before: Picture | null,
): Picture {
  const same =
    before !== null &&
    before.sample === sample &&
    before.ring === ring &&
    before.from === from &&
    before.to === to &&
    before.filled === filled &&
    before.disconnected === disconnected;
  if (same) return before;
  const tick = tickSeconds(hello);
  const slice = ring.slice(from - 1.5 * tick, to);
  const wider = ring.slice(from - SCALE_MEMORY_SECONDS, to);
  return { sample, ring, from, to, slice, wider, tick, filled, disconnected };
}

export function snapshotOf({ store, ring }: Telemetry): Snapshot {
  return { state: store.get(), ring: ring.clone() };
}
