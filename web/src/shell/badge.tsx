/** Says how live the page is, always; and, when it is not, when the next try comes. */
import { age, clock } from "../format/time";
import { count } from "../format/numbers";
import type { Display } from "../store/display";
import { isCut } from "../store/freshness";
import { useDisplay, useSession, useTelemetry } from "../store/use-telemetry";

export function Badge() {
  const display = useDisplay((now) => now);
  const { tryNow, address } = useSession();
  const { fresh, paused } = display;
  const fault = useTelemetry((state) => state.fault);
  const aside = asideOf(display, address, fault);
  const closed = isCut(fresh) || fresh.kind === "connecting";
  return (
    <>
      {aside !== null && (
        <div className="try" data-testid="next-try">
          <span>{aside}</span>
          {closed && !paused && (
            <button type="button" onClick={tryNow}>
              {fresh.kind === "ended" ? "reconnect" : "try now"}
            </button>
          )}
        </div>
      )}
      <div
        className={`badge ${paused ? "paused" : fresh.kind}`}
        data-testid="freshness"
        data-state={paused ? "paused" : fresh.kind}
      >
        <b>{wordOf(display)}</b>
        <span className="age">{detailOf(display)}</span>
      </div>
    </>
  );
}

function wordOf({ fresh, paused }: Display): string {
  if (paused) return "paused";
  if (fresh.kind === "late") return "late by";
  if (fresh.kind === "refused") return fresh.name;
  return fresh.kind === "ended" ? "ended:" : fresh.kind;
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

const PATIENCE_SECONDS = 3;

function asideOf(
  { fresh, paused, waiting }: Display,
  address: string,
  fault: string | null,
): string | null {
  if (paused)
    return fresh.kind === "live"
      ? `${count(waiting)} waiting`
      : `${count(waiting)} waiting, ${fresh.kind}`;
  switch (fresh.kind) {
    case "live":
    case "late":
      return null;
    case "connecting":
      if (fresh.seconds < PATIENCE_SECONDS) return null;
      return [address, fresh.why ?? fault, tryWord(fresh.nextTrySeconds)]
        .filter((part) => part !== null)
        .join(" · ");
    case "lost":
      return tryWord(fresh.nextTrySeconds) ?? "trying";
    case "ended":
    case "refused":
      return [fresh.why, tryWord(fresh.nextTrySeconds)].filter((part) => part !== null).join(" · ");
  }
}

function tryWord(seconds: number | null): string | null {
  if (seconds === null) return null;
  return seconds === 0 ? "trying" : `next try in ${seconds} s`;
}
