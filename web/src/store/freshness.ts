/**
 * How live the page is, as one value; the badge, the title and the colours all read this. Pure: the
 * time is an argument, monotonic milliseconds, so a clock that is set changes nothing.
 */
import { isRefusal } from "../protocol/ends";
import { tickSeconds, type TelemetryState } from "./telemetry";

export type Freshness =
  | {
      readonly kind: "connecting";
      readonly seconds: number;
      readonly why: string | null;
      readonly nextTrySeconds: number | null;
    }
  | { readonly kind: "live"; readonly ageSeconds: number }
  | { readonly kind: "late"; readonly ageSeconds: number }
  | { readonly kind: "lost"; readonly ageSeconds: number; readonly nextTrySeconds: number | null }
  | {
      /** Shown out, or not let in. */
      readonly kind: "ended" | "refused";
      readonly ageSeconds: number | null;
      readonly name: string;
      readonly why: string;
      readonly nextTrySeconds: number | null;
    };

const LATE_AFTER_TICKS = 2.5;
const LOST_AFTER_SECONDS = 10;

export function freshness(state: TelemetryState, nowMs: number): Freshness {
  const { link, arrivedAtMs } = state;
  const nextTrySeconds =
    link.nextTryAtMs === null ? null : Math.max(0, Math.ceil((link.nextTryAtMs - nowMs) / 1000));
  const ageSeconds = arrivedAtMs === null ? null : Math.max(0, (nowMs - arrivedAtMs) / 1000);

  if (link.phase !== "open" && link.end !== null && link.end.name !== null) {
    const kind = isRefusal(link.end) ? "refused" : "ended";
    return { kind, ageSeconds, name: link.end.name, why: link.end.why, nextTrySeconds };
  }
  if (ageSeconds === null) {
    const seconds = Math.max(0, (nowMs - state.startedAtMs) / 1000);
    return { kind: "connecting", seconds, why: link.end?.why ?? null, nextTrySeconds };
  }
  if (link.phase !== "open" || ageSeconds > silentAfterSeconds(state)) {
    return { kind: "lost", ageSeconds, nextTrySeconds };
  }
  return {
    kind: ageSeconds > LATE_AFTER_TICKS * tickSeconds(state.hello) ? "late" : "live",
    ageSeconds,
  };
}

/** Nobody can say what is true now. */
export function isCut(
  fresh: Freshness,
): fresh is Extract<Freshness, { kind: "lost" | "ended" | "refused" }> {
  return fresh.kind === "lost" || fresh.kind === "ended" || fresh.kind === "refused";
}

/** From here on an open connection counts as dead: it is dropped and tried anew. */
export function silentAfterSeconds(state: TelemetryState): number {
  return Math.max(LOST_AFTER_SECONDS, 4 * tickSeconds(state.hello));
}
