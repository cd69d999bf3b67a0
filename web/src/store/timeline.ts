/**
 * The span of time on the x axis of every chart, and whether it moves. It depends only on the host's time and on the
 * choices of the viewer. Pure.
 */
import { tickSeconds } from "./step";
import { OVERDUE_AFTER_TICKS, type TelemetryState } from "./telemetry";

export interface Timeline {
  readonly from: number;
  readonly to: number;
  /** The present time of the host, or that of the pause. */
  readonly now: number;
  /** `zoomed`: paused, on a span that the viewer selected. */
  readonly mode: "live" | "paused" | "zoomed";
  /** Seconds of the host per second: 1 while live, 0 while the axis stands still. */
  readonly speed: number;
}

/** A pause: the moment at which the page stopped, and the span that the viewer zoomed to. */
export interface Pause {
  readonly edge: number;
  readonly zoom: { readonly from: number; readonly to: number } | null;
}

/** Return the timeline. `now` is the present time of the host, see `liveEdge`. */
export function timelineOf(pause: Pause | null, windowSeconds: number, now: number): Timeline {
  if (pause === null) return { from: now - windowSeconds, to: now, now, mode: "live", speed: 1 };
  const { edge, zoom } = pause;
  const { from, to } = zoom ?? { from: edge - windowSeconds, to: edge };
  return { from, to, now: edge, mode: zoom === null ? "paused" : "zoomed", speed: 0 };
}

/**
 * Return the present time on the host's clock, in seconds since 1970: that of the newest sample and the time since then.
 * Before the first sample, it is that of the page. When samples do not arrive, it moves on in whole ticks. Not before a
 * sample is late: else each picture would be drawn twice, because the page's timer is often just ahead of the next sample.
 */
export function liveEdge(state: TelemetryState, nowMs: number): number {
  const { latest, arrivedAtMs, hello, startedAtMs, startedUnix } = state;
  if (latest === null || arrivedAtMs === null) return startedUnix + (nowMs - startedAtMs) / 1000;
  const tick = tickSeconds(hello);
  const silentTicks = (nowMs - arrivedAtMs) / 1000 / tick;
  const ticks = silentTicks < OVERDUE_AFTER_TICKS ? 0 : Math.floor(silentTicks + 0.2);
  return latest.time_unix + ticks * tick;
}
