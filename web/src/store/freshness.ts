/**
 * One value for how current the page is. The badge, the title and the colours all depend on it. Pure: the time is an
 * argument in milliseconds of the page's clock, which setting the wall clock does not move back.
 */
import { isRefusal } from "../protocol/ends";
import { tickSeconds } from "./step";
import type { TelemetryState } from "./telemetry";

export type Freshness =
  | {
      readonly kind: "connecting";
      readonly seconds: number;
      /** Why the last try failed; null before that. */
      readonly reason: string | null;
      readonly nextTrySeconds: number | null;
    }
  | { readonly kind: "live"; readonly ageSeconds: number }
  | { readonly kind: "late"; readonly ageSeconds: number }
  | { readonly kind: "lost"; readonly ageSeconds: number; readonly nextTrySeconds: number | null }
  | {
      /** The server ended the connection, or did not accept it. */
      readonly kind: "ended" | "refused";
      readonly ageSeconds: number | null;
      readonly name: string;
      readonly reason: string;
      readonly nextTrySeconds: number | null;
    };

/** What decides how current the page is. */
export type FreshnessState = Pick<TelemetryState, "link" | "arrivedAtMs" | "startedAtMs" | "hello">;

const LATE_AFTER_TICKS = 2.5;
const LOST_AFTER_SECONDS = 10;
const LOST_AFTER_TICKS = 4;
const MAX_DOUBLINGS = 4;

export function freshness(state: FreshnessState, nowMs: number): Freshness {
  const { link, arrivedAtMs } = state;
  const nextTrySeconds =
    link.nextTryAtMs === null ? null : Math.max(0, Math.ceil((link.nextTryAtMs - nowMs) / 1000));
  const ageSeconds = arrivedAtMs === null ? null : Math.max(0, (nowMs - arrivedAtMs) / 1000);

  if (link.phase !== "open" && link.end !== null && link.end.name !== null) {
    const kind = isRefusal(link.end) ? "refused" : "ended";
    const { name, reason } = link.end;
    return { kind, ageSeconds, name, reason, nextTrySeconds };
  }
  if (ageSeconds === null) {
    const seconds = Math.max(0, (nowMs - state.startedAtMs) / 1000);
    return { kind: "connecting", seconds, reason: link.end?.reason ?? null, nextTrySeconds };
  }
  // A connection that the page replaces is lost once it takes too long: usually it takes milliseconds.
  if (link.phase === "closed" || ageSeconds > silentAfterSeconds(state)) {
    return { kind: "lost", ageSeconds, nextTrySeconds };
  }
  const late = ageSeconds > LATE_AFTER_TICKS * tickSeconds(state.hello);
  return { kind: late ? "late" : "live", ageSeconds };
}

/** Return whether the connection is gone, so that the values may be wrong by now. */
export function isDisconnected(
  fresh: Freshness,
): fresh is Extract<Freshness, { kind: "lost" | "ended" | "refused" }> {
  return fresh.kind === "lost" || fresh.kind === "ended" || fresh.kind === "refused";
}

/**
 * Return the length of a silence after which an open connection counts as dead. A sample may take long on a slow line, so
 * each further connection without one gets more time.
 */
export function silentAfterSeconds(state: Pick<FreshnessState, "hello">, replaced = 0): number {
  const seconds = Math.max(LOST_AFTER_SECONDS, LOST_AFTER_TICKS * tickSeconds(state.hello));
  return seconds * 2 ** Math.min(replaced, MAX_DOUBLINGS);
}
