/** The dashboard of a host: puts the parts in their places and listens to keys. Its state and its host are outside of React. */
import { useCallback, useMemo, useState, type ReactNode } from "react";

import { Boundary } from "../parts/boundary";
import { loaded, type Load } from "../parts/loaded";
import { useStatisticsShown } from "../parts/statistics-shown";
import { AlertStrip } from "../shell/alert-strip";
import { Header } from "../shell/header";
import { keysOf, type DialogName, type PageActions } from "../shell/keys";
import { Later, type DialogProps } from "../shell/later";
import { SkipLinks } from "../shell/skip-links";
import { useKeys } from "../shell/use-keys";
import { isDisconnected } from "../store/freshness";
import type { Page } from "../store/page";
import { useDisplay, useView } from "../store/use-telemetry";
import { ChartStack } from "./chart-stack";
import { PanelRow, SidePanels } from "./panels";
import { Tiles } from "./tiles";
import { useRoot } from "./use-root";

const DIALOGS: Readonly<Record<DialogName, Load<DialogProps>>> = {
  help: () => import("../shell/host-help").then(({ HostHelp }) => HostHelp),
  alerts: () => import("../shell/alert-dialog").then(({ AlertDialog }) => AlertDialog),
  commands: () => import("../shell/host-palette").then(({ HostPalette }) => HostPalette),
};

const Explain = loaded(async () => (await import("../shell/explain")).Explain);
const Announcer = loaded(async () => (await import("../shell/announcer")).Announcer);

export interface DashboardProps {
  readonly page: Page;
}

export function Dashboard({ page }: DashboardProps) {
  const { theme, toggleTheme } = useRoot(page);
  const kiosk = useView((view) => view.kiosk);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const state = useDisplay(({ fresh, paused }) =>
    paused ? "paused" : isDisconnected(fresh) ? "lost" : fresh.kind,
  );
  const statistics = useStatisticsShown();
  const actions = useMemo<PageActions>(
    () => ({
      ...page.actions,
      toggleTheme,
      toggleKiosk: () => {
        page.actions.setKiosk(!page.view.get().kiosk);
      },
      toggleHelp: () => {
        setDialog((before) => (before === "help" ? null : "help"));
      },
      toggleCommands: () => {
        setDialog((before) => (before === "commands" ? null : "commands"));
      },
      toggleAlerts: () => {
        setDialog((before) => (before === "alerts" ? null : "alerts"));
      },
      toggleStatistics: () => {
        page.actions.setStatistics(!statistics);
      },
    }),
    [page, toggleTheme, statistics],
  );
  const closeDialog = useCallback(() => {
    setDialog(null);
  }, []);
  /** A command of the palette may have opened another dialog. */
  const closeThis = (): void => {
    setDialog((now) => (now === dialog ? null : now));
  };
  const clearFilter = useCallback(() => {
    page.actions.setFilter("");
  }, [page]);
  const keys = useMemo(() => keysOf(page), [page]);
  useKeys({ keys, actions, clearFilter, closeDialog: dialog === null ? null : closeDialog });
  return (
    <div className={`page ${state}${kiosk ? " kiosk" : ""}`}>
      <SkipLinks />
      <Part name="header">
        <Header
          toggleTheme={toggleTheme}
          showHelp={actions.toggleHelp}
          showCommands={actions.toggleCommands}
        />
      </Part>
      <main id="vital-signs" tabIndex={-1}>
        <Part name="alerts">
          <AlertStrip showAlerts={actions.toggleAlerts} />
        </Part>
        <Part name="key figures">
          <Tiles />
        </Part>
        <div className="detail">
          <Part name="charts">
            <ChartStack theme={theme} />
          </Part>
          <Part name="side panels">
            <SidePanels />
          </Part>
        </div>
        <Part name="tables">
          <PanelRow />
        </Part>
      </main>
      <Part name="announcements">
        <Announcer />
      </Part>
      <Part name="tooltips">
        <Explain />
      </Part>
      {dialog !== null && (
        <Part key={dialog} name={dialog}>
          <Later load={DIALOGS[dialog]} props={{ actions, close: closeThis }} close={closeThis} />
        </Part>
      )}
    </div>
  );
}

/** Most parts of these parts have a boundary of their own; here, the others fail without the rest of the page. */
function Part({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Boundary
      fallback={(reason) => (
        <p className="reason">
          ▲ {name} failed: {reason}
        </p>
      )}
    >
      {children}
    </Boundary>
  );
}
