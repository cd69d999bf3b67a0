/** The top of the page: which host this is, how current the page is, and the controls. */
import { shortCpu } from "../format/names";
import { clock } from "../format/time";
import { Boundary } from "../parts/boundary";
import { useLayout } from "../parts/layout";
import { loaded } from "../parts/loaded";
import { LoggedIn } from "../parts/logged-in";
import { HEADER_FACTS } from "../sections";
import { useDisplay, usePage, usePicture, useTelemetry, useView } from "../store/use-telemetry";
import { WINDOWS } from "../store/view";
import { Badge } from "./badge";
import { FindButton } from "./find-button";
import { Heartbeat } from "./heartbeat";

// Only front ends have it.
const HostSwitcher = loaded(async () => (await import("./host-switcher")).HostSwitcher);

const BEATS = 60;
const BEATS_ON_PHONE = 40;

export interface HeaderProps {
  readonly toggleTheme: () => void;
  readonly showHelp: () => void;
  readonly showCommands: () => void;
}

export function Header(props: HeaderProps) {
  const host = useTelemetry((state) => state.hello?.host ?? null);
  const { fleet } = usePage();
  const kiosk = useView((view) => view.kiosk);
  const { phone, wide } = useLayout();
  return (
    <header>
      {fleet !== null && <HostSwitcher fleet={fleet} />}
      <h1 data-testid="host" title={host?.name}>
        {host?.name ?? "–"}
      </h1>
      <div className="host-facts">
        {host?.os != null && <span>{host.os}</span>}
        {host?.kernel != null && <span>Linux {host.kernel.replace(/^Linux /, "")}</span>}
        {host?.cpu_model != null && <span title={host.cpu_model}>{shortCpu(host.cpu_model)}</span>}
        {HEADER_FACTS.map((Fact, index) => (
          <Boundary key={index} fallback={failed}>
            <Fact />
          </Boundary>
        ))}
        {kiosk && <Clock />}
      </div>
      <div className="freshness">
        <Boundary fallback={failed}>
          <Heartbeat count={phone ? BEATS_ON_PHONE : BEATS} />
          <Badge />
        </Boundary>
      </div>
      {!kiosk && <Controls {...props} />}
      {wide && <LoggedIn />}
    </header>
  );
}

/** In place of a part of the header that could not be drawn. */
function failed(reason: string) {
  return (
    <span className="warn" title={reason}>
      ▲ failed
    </span>
  );
}

function Clock() {
  return <span>{clock(usePicture((picture) => picture.to))}</span>;
}

function Controls({ toggleTheme, showHelp, showCommands }: HeaderProps) {
  const { actions } = usePage();
  const paused = useDisplay((display) => display.paused);
  const windowSeconds = useView((view) => view.windowSeconds);
  return (
    <div className="controls" role="group" aria-label="Controls">
      <button type="button" onClick={paused ? actions.live : actions.pause} data-testid="pause">
        {paused ? "Live" : "Pause"}
        <kbd aria-hidden="true">{paused ? "l" : "p"}</kbd>
      </button>
      <div className="windows" role="group" aria-label="Window">
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
      <FindButton showCommands={showCommands} />
      <button type="button" onClick={showHelp} aria-haspopup="dialog">
        Help<kbd aria-hidden="true">?</kbd>
      </button>
    </div>
  );
}
