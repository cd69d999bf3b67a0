/** Says how live the page is, always; and, when it is not, when the next try comes. */
import { age } from "../format/time";
import type { Freshness } from "../store/freshness";
import { useFreshness, useSession } from "../store/use-telemetry";

export function Badge() {
  const fresh = useFreshness();
  const { tryNow } = useSession();
  const next = nextTry(fresh);
  return (
    <div className="fresh">
      {next !== null && (
        <div className="try" data-testid="next-try">
          {next}
          <button type="button" onClick={tryNow}>
            {fresh.kind === "ended" ? "reconnect" : "try now"}
          </button>
        </div>
      )}
      <div
        className={`badge ${fresh.kind}`}
        role="status"
        data-testid="freshness"
        data-state={fresh.kind}
      >
        <b>{word(fresh)}</b>
        <span className="age">{detail(fresh)}</span>
      </div>
    </div>
  );
}

function word(fresh: Freshness): string {
  return fresh.kind === "late" ? "late by" : fresh.kind;
}

function detail(fresh: Freshness): string {
  switch (fresh.kind) {
    case "connecting":
      return "";
    case "live":
      return `${fresh.ageSeconds.toFixed(1)} s`;
    case "ended":
      return fresh.name;
    default:
      return age(fresh.ageSeconds);
  }
}

function nextTry(fresh: Freshness): string | null {
  if (fresh.kind === "live" || fresh.kind === "late") return null;
  if (fresh.kind === "connecting" && fresh.seconds < 3) return null;
  const when =
    fresh.nextTrySeconds === null
      ? null
      : fresh.nextTrySeconds === 0
        ? "trying"
        : `next try in ${fresh.nextTrySeconds} s`;
  if (fresh.kind === "ended") return when === null ? fresh.why : `${fresh.why} · ${when}`;
  return when ?? "trying";
}
