/** The page: lays out what there is to see, and listens to keys. The session runs outside of it. */
import { useEffect, useMemo, useState } from "react";

import { Charts } from "../panels/charts";
import { FactsRow } from "../panels/facts-row";
import { Processes } from "../panels/processes";
import { Vitals } from "../panels/vitals";
import { Announcer } from "../shell/announcer";
import { Explain } from "../shell/explain";
import { Header } from "../shell/header";
import { Help } from "../shell/help";
import { keyFor, type Doing } from "../shell/keys";
import { useLayout } from "../shell/layout";
import { isCut } from "../store/freshness";
import { SessionContext, useDisplay, useStore } from "../store/use-telemetry";
import type { RunningSession } from "./session";
import { useRoot } from "./use-root";

const ROWS_ON_PHONE = 10;
const ROWS_ON_TABLET = 14;

export function Page({ session }: { session: RunningSession }) {
  return (
    <SessionContext value={session}>
      <Body session={session} />
    </SessionContext>
  );
}

function Body({ session }: { session: RunningSession }) {
  const { theme, toggleTheme } = useRoot(session);
  const kiosk = useStore(session.view, (view) => view.kiosk);
  const layout = useLayout();
  const [helping, setHelping] = useState(false);
  const look = useDisplay(({ fresh, paused }) =>
    paused ? "paused" : isCut(fresh) ? "lost" : fresh.kind,
  );
  const doing = useMemo<Doing>(
    () => ({
      ...session.actions,
      toggleTheme,
      toggleKiosk: () => {
        session.actions.setKiosk(!session.view.get().kiosk);
      },
      toggleHelp: () => {
        setHelping((before) => !before);
      },
      editFilter: () => {
        document.getElementById("process-filter")?.focus();
      },
    }),
    [session, toggleTheme],
  );
  useKeys(doing, helping);
  const most = layout.wide ? null : layout.phone ? ROWS_ON_PHONE : ROWS_ON_TABLET;
  return (
    <div className={`page ${look}${kiosk ? " kiosk" : ""}`}>
      <Header
        layout={layout}
        toggleTheme={toggleTheme}
        showHelp={() => {
          setHelping(true);
        }}
      />
      <main>
        <Vitals />
        <div className="detail">
          <Charts layout={layout} theme={theme} />
          <Processes most={most} />
        </div>
        <FactsRow wide={layout.wide} />
      </main>
      <Announcer />
      <Explain />
      {helping && (
        <Help
          close={() => {
            setHelping(false);
          }}
        />
      )}
    </div>
  );
}

function useKeys(doing: Doing, helping: boolean): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.key === "Escape" && target instanceof HTMLInputElement) {
        doing.setFilter("");
        target.blur();
        return;
      }
      const key = keyFor(event);
      // The dialog closes itself on Escape; behind it no key acts but its own.
      if (key === null || (helping && key.shown !== "?")) return;
      event.preventDefault();
      key.run(doing, event);
    };
    window.addEventListener("keydown", press);
    return () => {
      window.removeEventListener("keydown", press);
    };
  }, [doing, helping]);
}
