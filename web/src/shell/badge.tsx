/** The badge shows how current the page is. While it is not connected, it also shows the reason and the next try. */
import { count, fixed } from "../format/numbers";
import { age, clock } from "../format/time";
import type { Hello } from "../protocol/frames";
import type { Display } from "../store/display";
import { isDisconnected } from "../store/freshness";
import { isPaced, tickSeconds } from "../store/step";
import type { Loading } from "../store/telemetry";
import { useDisplay, useHost, useTelemetry } from "../store/use-telemetry";

export function Badge() {
  const display = useDisplay((now) => now);
  const { tryNow, address } = useHost();
  const { fresh, paused } = display;
  const fault = useTelemetry((state) => state.fault);
  const aside = asideOf(display, address, fault);
  const canTry = (isDisconnected(fresh) || fresh.kind === "connecting") && !paused;
  const state = paused ? "paused" : fresh.kind;
  return (
    <>
      {aside !== null && (
        <div className="next-try" data-testid="next-try">
          <span>{aside}</span>
          {canTry && (
            <button type="button" onClick={tryNow}>
              {fresh.kind === "ended" ? "reconnect" : "try now"}
            </button>
          )}
        </div>
      )}
      <div className={`badge ${state}`} data-testid="freshness" data-state={state}>
        <b>{wordOf(display)}</b>
        <span className="age">{detailOf(display)}</span>
      </div>
    </>
  );
}

function wordOf({ fresh, paused }: Display): string {
  if (paused) return "paused";
  switch (fresh.kind) {
    case "late":
      return "late by";
    case "refused":
      return fresh.name;
    case "ended":
      return "ended:";
    default:
      return fresh.kind;
  }
}

function detailOf({ fresh, paused, picture }: Display): string {
  if (paused) return clock(picture.to);
  switch (fresh.kind) {
    case "connecting":
      return "";
    case "live":
      return `${fresh.ageSeconds.toFixed(1)} s`;
    case "ended":
      return fresh.name;
    default:
      return fresh.ageSeconds === null ? "" : age(fresh.ageSeconds);
  }
}

/** A connection or a past that is there sooner than this needs no explanation. */
const EXPLAIN_AFTER_SECONDS = 3;

function asideOf(
  { fresh, paused, waiting, state, nowMs }: Display,
  address: string,
  fault: string | null,
): string | null {
  if (paused) {
    const samples = `${count(waiting)} waiting`;
    return fresh.kind === "live" ? samples : `${samples}, ${fresh.kind}`;
  }
  switch (fresh.kind) {
    case "live":
    case "late":
      return joined(paceText(state.hello), loadingText(state.loading, nowMs)) || null;
    case "connecting":
      if (fresh.seconds < EXPLAIN_AFTER_SECONDS) return null;
      return joined(address, fresh.reason ?? fault, tryText(fresh.nextTrySeconds));
    case "lost":
      // Older samples may keep the line busy: then the page waits longer before it replaces the connection.
      if (state.link.phase === "open") {
        return joined("connected, but no sample arrives", loadingText(state.loading, nowMs));
      }
      return tryText(fresh.nextTrySeconds) ?? "trying to connect";
    case "ended":
    case "refused":
      return joined(fresh.reason, tryText(fresh.nextTrySeconds));
  }
}

/** Return how many samples the page asks for, if the line does not carry all of them. */
function paceText(hello: Hello | null): string | null {
  if (hello === null || !isPaced(hello)) return null;
  return `slow line: a sample every ${fixed(tickSeconds(hello), 0)} s`;
}

/** Return how much of the past is here, or why it is not. Null when there is nothing to explain. */
function loadingText(loading: Loading | null, nowMs: number): string | null {
  if (loading === null) return null;
  const { startedAtMs, from, reason, nextTryAtMs } = loading;
  if (nowMs - startedAtMs < EXPLAIN_AFTER_SECONDS * 1000) return null;
  if (nextTryAtMs === null) {
    return from === null ? "loading older samples" : `loading samples before ${clock(from)}`;
  }
  const seconds = Math.max(0, Math.ceil((nextTryAtMs - nowMs) / 1000));
  return joined("older samples are not loaded", reason, tryText(seconds));
}

function joined(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null).join(" · ");
}

function tryText(seconds: number | null): string | null {
  if (seconds === null) return null;
  return seconds === 0 ? "trying to connect" : `next try in ${seconds} s`;
}
