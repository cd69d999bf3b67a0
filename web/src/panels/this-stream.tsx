/** How the numbers get here and what that costs: the page shows its own price. */
import { byteRateText, bytesText, count, percentText, UNKNOWN } from "../format/numbers";
import { clock } from "../format/time";
import { isCut } from "../store/freshness";
import { tickSeconds } from "../store/telemetry";
import { toCsv, toJson } from "../store/export";
import { useDisplay, usePicture, useSession, useTelemetry } from "../store/use-telemetry";
import { LoggedIn } from "./logged-in";
import { Facts, Panel } from "./panel";
import { save } from "./save";

const CLOCKS_APART_SECONDS = 2;

export function ThisStream({ wide }: { wide: boolean }) {
  const { startedUnix, display, telemetry } = useSession();
  const state = useTelemetry((now) => now);
  const own = usePicture((now) => now.sample?.sections.self);
  const fresh = useDisplay((now) => now.fresh);
  const lost = isCut(fresh);
  const apart = state.quickestSeconds ?? 0;
  const tick = tickSeconds(state.hello);
  const gone = lost && fresh.ageSeconds !== null ? Math.floor(fresh.ageSeconds / tick) : 0;
  const missed =
    gone > 0
      ? `${count(gone)} so far`
      : `${count(state.missed)} of ${count(state.received + state.missed)}`;

  const exportAs = (kind: "csv" | "json") => () => {
    const { ring, from, to } = display.get().picture;
    const slice = ring.slice(from, to);
    const host = telemetry.store.get().hello?.host.name ?? "host";
    const text = kind === "csv" ? toCsv(slice, ring.names) : toJson(slice, ring.names, host);
    save(
      `${host}-${new Date(to * 1000).toISOString().slice(0, 19).replaceAll(":", "")}.${kind}`,
      text,
    );
  };
  return (
    <Panel
      title="This stream"
      explain="stream"
      section="self"
      aside={
        <span className="save">
          save
          <button type="button" onClick={exportAs("csv")} title="the window on screen, as CSV">
            CSV
          </button>
          <button type="button" onClick={exportAs("json")} title="the window on screen, as JSON">
            JSON
          </button>
        </span>
      }
      className="stream"
    >
      <Facts
        rows={[
          [
            "delay",
            lost || state.delaySeconds === null ? UNKNOWN : delayText(state.delaySeconds),
            "delay",
          ],
          [
            "missed",
            <span
              data-testid="missed"
              data-missed={state.missed}
              title={`since ${clock(startedUnix, false)}`}
            >
              {missed}
            </span>,
            "missed",
          ],
          ["viewers", count(own?.viewers), "viewers"],
          ["own cpu", percentText(own?.cpu_percent), "own cpu"],
          ["own memory", bytesText(own?.memory_rss_bytes), "own memory"],
          [
            "per viewer",
            state.lastBytes === 0 ? UNKNOWN : byteRateText(state.lastBytes / tick),
            "per viewer",
          ],
        ]}
      />
      {!wide && <LoggedIn labelled />}
      {Math.abs(apart) > CLOCKS_APART_SECONDS && (
        <p className="w">
          <span className="mark">▲</span>clocks {Math.abs(apart).toFixed(0)} s apart
        </p>
      )}
    </Panel>
  );
}

function delayText(seconds: number): string {
  return seconds < 0.9995 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}
