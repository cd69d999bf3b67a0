/** The page: puts the parts in their places and listens to keys. Its state and its host are outside of React. */
import { useCallback, useMemo, useState, type ComponentType, type ReactNode } from "react";

import type { RunningOverview } from "../overview/create-overview";
import type { OverviewProps } from "../overview/overview";
import { Boundary } from "../parts/boundary";
import { useStatisticsShown } from "../parts/statistics-shown";
import { AlertStrip } from "../shell/alert-strip";
import { Announcer } from "../shell/announcer";
import { Explain } from "../shell/explain";
import { Header } from "../shell/header";
import { keysOf, type DialogName, type PageActions } from "../shell/keys";
import { Later, type Load } from "../shell/later";
import { SkipLinks } from "../shell/skip-links";
import { useKeys } from "../shell/use-keys";
import { isDisconnected } from "../store/freshness";
import type { Page as PageState } from "../store/page";
import { HostContext, PageContext, useDisplay, useStore, useView } from "../store/use-telemetry";
import { ChartStack } from "./chart-stack";
import type { RunningPage } from "./create-page";
import { PanelRow, SidePanels } from "./panels";
import { Tiles } from "./tiles";
import { useRoot } from "./use-root";
import "./page.css";

const DIALOGS: Readonly<Record<DialogName, Load>> = {
  help: () => import("../shell/host-help").then(({ HostHelp }) => HostHelp),
  alerts: () => import("../shell/alert-dialog").then(({ AlertDialog }) => AlertDialog),
  commands: () => import("../shell/host-palette").then(({ HostPalette }) => HostPalette),
};

export interface PageProps {
  readonly page: RunningPage;
  /** The overview of a front end. */
  readonly Overview?: ComponentType<OverviewProps>;
}

export function Page({ page, Overview }: PageProps) {
  const host = useStore(page.host, (now) => now);
  const { overview } = page;
  return (
    <PageContext value={page}>
      {host !== null && (
        <HostContext value={host}>
          {/* Nothing of one host stays for the next one, for example its open drawers. */}
          <Dashboard key={host.key} page={page} />
        </HostContext>
      )}
      {host === null && overview !== null && Overview !== undefined && (
        <OverviewRoot page={page} overview={overview} Overview={Overview} />
      )}
    </PageContext>
  );
}

interface OverviewRootProps extends Required<PageProps> {
  readonly overview: RunningOverview;
}

function OverviewRoot({ page, overview, Overview }: OverviewRootProps) {
  const { toggleTheme } = useRoot(page);
  return <Overview overview={overview} toggleTheme={toggleTheme} />;
}

function Dashboard({ page }: { page: PageState }) {
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
          <Later
            load={DIALOGS[dialog]}
            actions={actions}
            close={() => {
              setDialog((now) => (now === dialog ? null : now)); // a command may have opened another one
            }}
          />
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
