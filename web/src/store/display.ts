/**
 * The content of the page at this moment: the newest sample and the ring or, while paused, a snapshot of both; and the
 * span of time on the x axis of every chart. Pure: a function of telemetry, snapshot, window and time.
 */
import type { Sample } from "../protocol/frames";
import { freshness, isDisconnected, type Freshness } from "./freshness";
import type { Ring, Slice } from "./ring";
import { tickSeconds, type Telemetry } from "./telemetry";

/** Taken when the viewer pauses, and shown until the page is live again. */
export interface Snapshot {
  readonly sample: Sample | null;
  readonly ring: Ring;
  readonly edge: number;
  /** The number of samples received until then. The later ones are waiting. */
  readonly received: number;
  readonly zoom: { readonly from: number; readonly to: number } | null;
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
  /** The values may be wrong by now, so they lose their colour. */
  readonly disconnected: boolean;
}

export interface Display {
  readonly picture: Picture;
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
  windowSeconds: number,
  nowMs: number,
  before: Display | null = null,
): Display {
  const state = telemetry.store.get();
  const fresh = freshness(state, nowMs);
  return {
    picture: pictureOf(telemetry, snapshot, windowSeconds, nowMs, fresh, before?.picture ?? null),
    fresh,
    nowMs,
    paused: snapshot !== null,
    waiting: snapshot === null ? 0 : state.received - snapshot.received,
  };
}

function pictureOf(
  telemetry: Telemetry,
  snapshot: Snapshot | null,
  windowSeconds: number,
  nowMs: number,
  fresh: Freshness,
  before: Picture | null,
): Picture {
  const state = telemetry.store.get();
  const { sample, ring } = snapshot ?? { sample: state.latest, ring: telemetry.ring };
  const edge = snapshot?.edge ?? liveEdge(telemetry, nowMs);
  const { from, to } = snapshot?.zoom ?? { from: edge - windowSeconds, to: edge };
  const disconnected = snapshot === null && isDisconnected(fresh);
  const same =
    before !== null &&
    before.sample === sample &&
    before.ring === ring &&
    before.from === from &&
    before.to === to &&
    before.disconnected === disconnected;
  if (same) return before;
  const tick = tickSeconds(state.hello);
  const slice = ring.slice(from - 1.5 * tick, to);
  const wider = ring.slice(from - SCALE_MEMORY_SECONDS, to);
  return { sample, ring, from, to, slice, wider, tick, disconnected };
}

/**
 * Return the present time on the host's clock, in seconds since 1970: that of the newest sample and the time since then.
 * When samples do not arrive, it moves on in whole ticks.
 */
export function liveEdge(telemetry: Telemetry, nowMs: number): number {
  const { latest, arrivedAtMs, hello } = telemetry.store.get();
  if (latest === null || arrivedAtMs === null) return Date.now() / 1000;
  const tick = tickSeconds(hello);
  const ticks = Math.floor(((nowMs - arrivedAtMs) / 1000 + 0.2 * tick) / tick);
  return latest.time_unix + Math.max(0, ticks) * tick;
}

export function snapshotOf(telemetry: Telemetry, nowMs: number): Snapshot {
  const { latest, received } = telemetry.store.get();
  return {
    sample: latest,
    ring: telemetry.ring.clone(),
    edge: liveEdge(telemetry, nowMs),
    received,
    zoom: null,
  };
}
