/** The page: puts the parts in their places and listens to keys. The session runs outside of it. */
import { useEffect, useMemo, useState } from "react";

import { Announcer } from "../shell/announcer";
import { Explain } from "../shell/explain";
import { Header } from "../shell/header";
import { Help } from "../shell/help";
import { keyFor, type PageActions } from "../shell/keys";
import { SkipLinks } from "../shell/skip-links";
import { isDisconnected } from "../store/freshness";
import { SessionContext, useDisplay, useView } from "../store/use-telemetry";
import { ChartStack } from "./chart-stack";
import { PanelRow, SidePanels } from "./panels";
import type { RunningSession } from "./session";
import { Tiles } from "./tiles";
import { useRoot } from "./use-root";
import "./page.css";

export function Page({ session }: { session: RunningSession }) {
  return (
    <SessionContext value={session}>
      <Body session={session} />
    </SessionContext>
  );
}

function Body({ session }: { session: RunningSession }) {
  const { theme, toggleTheme } = useRoot(session);
  const kiosk = useView((view) => view.kiosk);
  const [helpIsOpen, setHelpIsOpen] = useState(false);
  const state = useDisplay(({ fresh, paused }) =>
    paused ? "paused" : isDisconnected(fresh) ? "lost" : fresh.kind,
  );
  const actions = useMemo<PageActions>(
    () => ({
      ...session.actions,
      toggleTheme,
      toggleKiosk: () => {
        session.actions.setKiosk(!session.view.get().kiosk);
      },
      toggleHelp: () => {
        setHelpIsOpen((before) => !before);
      },
    }),
    [session, toggleTheme],
  );
  useKeys(session, actions, helpIsOpen);
  return (
    <div className={`page ${state}${kiosk ? " kiosk" : ""}`}>
      <SkipLinks />
      <Header
        toggleTheme={toggleTheme}
        showHelp={() => {
          setHelpIsOpen(true);
        }}
      />
      <main id="vital-signs" tabIndex={-1}>
        <Tiles />
        <div className="detail">
          <ChartStack theme={theme} />
          <SidePanels />
        </div>
        <PanelRow />
      </main>
      <Announcer />
      <Explain />
      {helpIsOpen && (
        <Help
          close={() => {
            setHelpIsOpen(false);
          }}
        />
      )}
    </div>
  );
}

function useKeys(session: RunningSession, actions: PageActions, helpIsOpen: boolean): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.defaultPrevented) return;
      if (event.key === "Escape" && target instanceof HTMLInputElement) {
        actions.setFilter("");
        target.blur();
        return;
      }
      const key = keyFor(event, session.view.get().characterKeys);
      // While the help is open, only its own key acts. The browser closes the dialog on Escape.
      if (key === null || (helpIsOpen && key.shown !== "?")) return;
      event.preventDefault();
      key.run(actions, event);
    };
    window.addEventListener("keydown", press);
    return () => {
      window.removeEventListener("keydown", press);
    };
  }, [session, actions, helpIsOpen]);
}
