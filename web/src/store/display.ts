/**
 * What the page shows at this moment: the newest sample and the ring, or, while paused, a copy that
 * stands still; and the span of time on every chart's x axis. Pure: a function of telemetry, the
 * freeze, the window and the time.
 */
import type { Sample } from "../protocol/frames";
import { freshness, isCut, type Freshness } from "./freshness";
import type { Ring, Slice } from "./ring";
import { tickSeconds, type Telemetry } from "./telemetry";

/** Made when the viewer pauses: from then on this is what is looked at. */
export interface Freeze {
  readonly sample: Sample | null;
  readonly ring: Ring;
  readonly edge: number;
  /** Samples received until then, to say how many wait. */
  readonly received: number;
  readonly zoom: { readonly from: number; readonly to: number } | null;
}

/** What is drawn. The same object until it would look different. */
export interface Picture {
  readonly sample: Sample | null;
  readonly ring: Ring;
  readonly from: number;
  readonly to: number;
  /** What the ring holds of that span, and one slot before it, so that lines reach the left edge. */
  readonly slice: Slice;
  /** The same and the minute before: what y axes are scaled to. */
  readonly wider: Slice;
  readonly tick: number;
  /** Nobody can say what is true now: colour leaves the page. */
  readonly lost: boolean;
}

export interface Display {
  readonly picture: Picture;
  readonly fresh: Freshness;
  readonly paused: boolean;
  /** Samples that arrived since the pause. */
  readonly waiting: number;
  readonly nowMs: number;
}

const SCALE_MEMORY_SECONDS = 60;

export function displayOf(
  telemetry: Telemetry,
  freeze: Freeze | null,
  windowSeconds: number,
  nowMs: number,
  before: Display | null = null,
): Display {
  const state = telemetry.store.get();
  const fresh = freshness(state, nowMs);
  return {
    picture: pictureOf(telemetry, freeze, windowSeconds, nowMs, fresh, before?.picture ?? null),
    fresh,
    nowMs,
    paused: freeze !== null,
    waiting: freeze === null ? 0 : state.received - freeze.received,
  };
}

function pictureOf(
  telemetry: Telemetry,
  freeze: Freeze | null,
  windowSeconds: number,
  nowMs: number,
  fresh: Freshness,
  before: Picture | null,
): Picture {
  const state = telemetry.store.get();
  const { sample, ring } = freeze ?? { sample: state.latest, ring: telemetry.ring };
  const edge = freeze?.edge ?? liveEdge(telemetry, nowMs);
  const { from, to } = freeze?.zoom ?? { from: edge - windowSeconds, to: edge };
  const lost = freeze === null && isCut(fresh);
  const same =
    before !== null &&
    before.sample === sample &&
    before.ring === ring &&
    before.from === from &&
    before.to === to &&
    before.lost === lost;
  if (same) return before;
  const tick = tickSeconds(state.hello);
  const slice = ring.slice(from - 1.5 * tick, to);
  return {
    sample,
    ring,
    from,
    to,
    slice,
    wider: ring.slice(from - SCALE_MEMORY_SECONDS, to),
    tick,
    lost,
  };
}

/** Now, by the host's clock carried on by ours; it moves on in whole ticks when samples do not. */
export function liveEdge(telemetry: Telemetry, nowMs: number): number {
  const { latest, arrivedAtMs, hello } = telemetry.store.get();
  if (latest === null || arrivedAtMs === null) return Date.now() / 1000;
  const tick = tickSeconds(hello);
  const ticks = Math.floor(((nowMs - arrivedAtMs) / 1000 + 0.2 * tick) / tick);
  return latest.time_unix + Math.max(0, ticks) * tick;
}

export function freezeOf(telemetry: Telemetry, nowMs: number): Freeze {
  const { latest, received } = telemetry.store.get();
  return {
    sample: latest,
    ring: telemetry.ring.clone(),
    edge: liveEdge(telemetry, nowMs),
    received,
    zoom: null,
  };
}
