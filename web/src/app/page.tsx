/** The page: puts the parts in their places and listens to keys. Its state and its host are outside of React. */
import { useCallback, useEffect, useMemo, useState, type ReactNode } from "react";

import { Boundary } from "../parts/boundary";
import { useStatisticsShown } from "../parts/statistics-shown";
import { Announcer } from "../shell/announcer";
import { Explain } from "../shell/explain";
import { Header } from "../shell/header";
import { keyFor, type DialogName, type PageActions } from "../shell/keys";
import { Later, type Load } from "../shell/later";
import { SkipLinks } from "../shell/skip-links";
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
  help: () => import("../shell/help").then(({ Help }) => Help),
  commands: () => import("../shell/command-palette").then((module) => module.CommandPalette),
};

export function Page({ page }: { page: RunningPage }) {
  const host = useStore(page.host, (now) => now);
  return (
    <PageContext value={page}>
      <HostContext value={host}>
        {/* Nothing of one host stays for the next one, for example its open drawers. */}
        <Dashboard key={host.key} page={page} />
      </HostContext>
    </PageContext>
  );
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
      toggleStatistics: () => {
        page.actions.setStatistics(!statistics);
      },
    }),
    [page, toggleTheme, statistics],
  );
  const closeDialog = useCallback(() => {
    setDialog(null);
  }, []);
  useKeys(page, actions, dialog === null ? null : closeDialog);
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

/** `closeDialog` is null while no dialog is open. */
function useKeys(page: PageState, actions: PageActions, closeDialog: (() => void) | null): void {
  useEffect(() => {
    const dialogIsOpen = closeDialog !== null;
    const press = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.defaultPrevented) return;
      if (event.key === "Escape" && !dialogIsOpen && target instanceof HTMLInputElement) {
        actions.setFilter("");
        target.blur();
        return;
      }
      // The browser closes a dialog on Escape, but not one that is being loaded or has failed.
      if (event.key === "Escape" && document.querySelector("dialog") === null) closeDialog?.();
      const key = keyFor(event, page.view.get().characterKeys);
      if (key === null || (dialogIsOpen && key.dialog === undefined)) return;
      event.preventDefault();
      key.run(actions, event);
    };
    window.addEventListener("keydown", press);
    return () => {
      window.removeEventListener("keydown", press);
    };
  }, [page, actions, closeDialog]);
}
