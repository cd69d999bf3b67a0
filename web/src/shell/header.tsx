/** The strip on top: who, how fresh, and what the viewer can do about it. */
import { shortCpu } from "../format/names";
import { clock, uptime } from "../format/time";
import { WINDOWS } from "../store/view";
import { useDisplay, usePicture, useSession, useTelemetry, useView } from "../store/use-telemetry";
import { LoggedIn } from "../panels/logged-in";
import { Badge } from "./badge";
import { Heartbeat } from "./heartbeat";
import type { Layout } from "./layout";

export interface HeaderProps {
  readonly layout: Layout;
  readonly toggleTheme: () => void;
  readonly showHelp: () => void;
}

export function Header({ layout, toggleTheme, showHelp }: HeaderProps) {
  const host = useTelemetry((state) => state.hello?.host ?? null);
  const kiosk = useView((view) => view.kiosk);
  return (
    <header>
      <h1 data-testid="host">{host?.name ?? "–"}</h1>
      <div className="facts">
        {host?.os != null && <span>{host.os}</span>}
        {host?.kernel != null && <span>Linux {host.kernel.replace(/^Linux /, "")}</span>}
        {host?.cpu_model != null && <span title={host.cpu_model}>{shortCpu(host.cpu_model)}</span>}
        <Uptime />
        <ViewWord />
        {kiosk && <Clock />}
      </div>
      <div className="fresh">
        <Heartbeat count={layout.phone ? 40 : 60} />
        <Badge />
      </div>
      {!kiosk && <Controls toggleTheme={toggleTheme} showHelp={showHelp} />}
      {layout.wide && <LoggedIn />}
    </header>
  );
}

function Uptime() {
  const seconds = usePicture((picture) => picture.sample?.uptime_seconds ?? null);
  return <span>up {uptime(seconds)}</span>;
}

/** Inside a container part of the numbers are the host's: said where the host is named. */
function ViewWord() {
  const view = usePicture((picture) => picture.sample?.sections.system?.view ?? "host");
  if (view === "host") return null;
  return <span data-explain="limits">in a container</span>;
}

function Clock() {
  return <span>{clock(usePicture((picture) => picture.to))}</span>;
}

function Controls({ toggleTheme, showHelp }: Pick<HeaderProps, "toggleTheme" | "showHelp">) {
  const { actions } = useSession();
  const paused = useDisplay((display) => display.paused);
  const windowSeconds = useView((view) => view.windowSeconds);
  return (
    <div className="ctl" role="group" aria-label="Controls">
      <button type="button" onClick={paused ? actions.live : actions.pause} data-testid="pause">
        {paused ? "Live" : "Pause"}
        <kbd aria-hidden="true">{paused ? "l" : "p"}</kbd>
      </button>
      <div className="seg" role="group" aria-label="Window">
        {WINDOWS.map((seconds) => (
          <button
            type="button"
            key={seconds}
            aria-pressed={windowSeconds === seconds}
            onClick={() => {
              actions.setWindow(seconds);
            }}
          >
            {seconds / 60}m
          </button>
        ))}
      </div>
      <button type="button" onClick={toggleTheme}>
        Theme<kbd aria-hidden="true">t</kbd>
      </button>
      <button type="button" onClick={showHelp} aria-haspopup="dialog">
        Help<kbd aria-hidden="true">?</kbd>
      </button>
    </div>
  );
}
