/** The figures of this stream: delay, missed samples, and the costs of the server and of this page. */
import { byteRateText, bytesText, count, percentText, UNKNOWN } from "../../format/numbers";
import { clock } from "../../format/time";
import { useLayout } from "../../parts/layout";
import { LoggedIn } from "../../parts/logged-in";
import { Facts, Panel, type Fact } from "../../parts/panel";
import { clockDifference } from "../../store/delay";
import { isDisconnected } from "../../store/freshness";
import { tickSeconds } from "../../store/step";
import {
  useDisplay,
  useHost,
  usePage,
  usePicture,
  useShown,
  useStore,
} from "../../store/use-telemetry";
import { SaveButtons } from "./save";
import "./self.css";

const MAX_CLOCK_DIFFERENCE_SECONDS = 2;

export function ThisStream() {
  const { wide } = useLayout();
  const { telemetry } = useHost();
  const { firstVersion, reload } = usePage();
  const first = useStore(firstVersion, (version) => version);
  const state = useShown((now) => now);
  const own = usePicture(({ sample }) => sample?.sections.self);
  const disconnected = useDisplay(({ fresh, paused }) => !paused && isDisconnected(fresh));
  const missed = useMissed();
  const difference = Math.abs(clockDifference(state.offsets) ?? 0);
  const { refused } = telemetry.ring;
  const bytesPerSecond = state.lastBytes / tickSeconds(state.hello) + state.sideBytesPerSecond;
  return (
    <Panel
      title="This stream"
      explain="page.stream"
      section="self"
      aside={<SaveButtons />}
      className="stream"
    >
      <Facts
        facts={[
          {
            name: "delay",
            value:
              disconnected || state.delaySeconds === null ? UNKNOWN : delayText(state.delaySeconds),
            explain: "page.delay",
          },
          missed,
          { name: "viewers", value: count(own?.viewers), explain: "page.viewers" },
          { name: "own cpu", value: percentText(own?.cpu_percent), explain: "self.cpu_percent" },
          {
            name: "own memory",
            value: bytesText(own?.memory_rss_bytes),
            explain: "self.memory_rss_bytes",
          },
          {
            name: "per viewer",
            value:
              state.lastBytes === 0 ? (
                UNKNOWN
              ) : (
                <span data-testid="per-viewer">{byteRateText(bytesPerSecond)}</span>
              ),
            explain: "page.per_viewer",
          },
        ]}
      />
      {!wide && <LoggedIn labelled />}
      {state.hello !== null && state.hello.version !== first && (
        <p className="update">
          the server is now version {state.hello.version}
          <button type="button" onClick={reload}>
            reload the page
          </button>
        </p>
      )}
      {difference > MAX_CLOCK_DIFFERENCE_SECONDS && (
        <p className="warn">
          <span className="mark">▲</span>the clocks of host and browser differ by{" "}
          {difference.toFixed(0)} s
        </p>
      )}
      {refused > 0 && (
        <p className="faint">
          this host has too many values: {count(refused)} of them are in no chart and in no file
        </p>
      )}
    </Panel>
  );
}

/** Return the missed samples: counted from seq or, while disconnected, estimated from the time since the last sample. */
function useMissed(): Fact {
  const { startedUnix } = useHost();
  const { received, missed, hello } = useShown((state) => state);
  const { fresh, paused } = useDisplay((now) => now);
  const silentSeconds = !paused && isDisconnected(fresh) ? (fresh.ageSeconds ?? 0) : 0;
  const silentTicks = Math.floor(silentSeconds / tickSeconds(hello));
  return {
    name: "missed",
    value: (
      <span data-testid="missed" data-missed={missed} title={`since ${clock(startedUnix, false)}`}>
        {silentTicks > 0
          ? `${count(silentTicks)} so far`
          : `${count(missed)} of ${count(received + missed)}`}
      </span>
    ),
    explain: "page.missed",
  };
}

function delayText(seconds: number): string {
  return seconds < 0.9995 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}
