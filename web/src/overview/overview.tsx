/** The overview of a front end: counts by state, which are filters, and a table or a map of the hosts. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { count } from "../format/numbers";
import { Boundary } from "../parts/boundary";
import { loaded, type Load } from "../parts/loaded";
import { useHold } from "../parts/use-hold";
import { Later } from "../shell/later";
import { useKeys } from "../shell/use-keys";
import { freshness, isDisconnected } from "../store/freshness";
import { usePage, useStore, useView } from "../store/use-telemetry";
import { Announcer } from "./announcer";
import { DEFAULT_CHOICES, queryFromChoices, shapeFor, sortedBy } from "./choices";
import type { RunningOverview } from "./create-overview";
import { OverviewHeader } from "./header";
import { KEYS, type OverviewActions } from "./keys";
import { Note } from "./note";
import type { OverviewDialogProps } from "./palette";
import { HostTable } from "./table";
import { TileMap } from "./tile-map";
import { FILTER_ID, Toolbar } from "./toolbar";
import "./overview.css";

const Explain = loaded(async () => (await import("../shell/explain")).Explain);

type DialogName = "help" | "commands";

const DIALOGS: Readonly<Record<DialogName, Load<OverviewDialogProps>>> = {
  help: () => import("./help").then(({ OverviewHelp }) => OverviewHelp),
  commands: () => import("./palette").then(({ OverviewPalette }) => OverviewPalette),
};

export interface OverviewProps {
  readonly overview: RunningOverview;
  readonly toggleTheme: () => void;
}

export function Overview({ overview, toggleTheme }: OverviewProps) {
  const page = usePage();
  const kiosk = useView((view) => view.kiosk);
  const state = useStore(overview.state, (now) => now);
  const choices = useStore(overview.choices, (now) => now);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  // The same object as long as the state is, because the rows that get it are drawn again with another one.
  const fresh = useMemo(() => freshness(state, state.nowMs), [state]);
  const rows = state.shown;
  const shape = shapeFor(choices, rows.length, kiosk);
  const list = useRef<HTMLDivElement>(null);
  const { held, handlers } = useHold(list, rows);
  useEffect(() => {
    overview.hold(held);
  }, [overview, held]);
  useEffect(() => {
    const query = queryFromChoices(choices, location.search);
    history.replaceState(null, "", `${location.pathname}${query}${location.hash}`);
  }, [choices]);

  const actions = useMemo<OverviewActions>(
    () => ({
      sortBy: (sort) => {
        overview.choices.update((before) => sortedBy(before, sort));
      },
      toggleShape: () => {
        overview.choices.update((before) => {
          const hosts = overview.state.get().shown.length;
          const present = shapeFor(before, hosts, page.view.get().kiosk);
          return { ...before, shape: present === "table" ? "map" : "table" };
        });
      },
      filter: () => {
        document.getElementById(FILTER_ID)?.focus();
      },
      clear: () => {
        const { filter, group, states } = DEFAULT_CHOICES;
        overview.choices.update((before) => ({ ...before, filter, group, states }));
      },
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
    }),
    [overview, page, toggleTheme],
  );
  const closeDialog = useCallback(() => {
    setDialog(null);
  }, []);
  useKeys({
    keys: KEYS,
    actions,
    clearFilter: actions.clear,
    closeDialog: dialog === null ? null : closeDialog,
  });
  const Hosts = shape === "map" ? TileMap : HostTable;
  return (
    <div
      className={`page overview ${isDisconnected(fresh) ? "lost" : fresh.kind}${kiosk ? " kiosk" : ""}`}
    >
      <OverviewHeader overview={overview} state={state} fresh={fresh} actions={actions} />
      <main>
        <Toolbar overview={overview} state={state} shape={shape} shown={rows.length} held={held} />
        <div className="hosts" ref={list} {...handlers}>
          <Boundary fallback={(reason) => <p className="reason">▲ hosts failed: {reason}</p>}>
            <Hosts {...{ overview, rows, state, fresh, choices }} />
          </Boundary>
          {rows.length === 0 && <p className="faint">{emptyText(state.rows.length)}</p>}
          {state.more > 0 && <p className="warn">▲ {count(state.more)} more hosts are not shown</p>}
        </div>
      </main>
      <Note overview={overview} state={state} fresh={fresh} />
      <Announcer state={state} fresh={fresh} />
      {/* Without the tooltips, the page works as before. */}
      <Boundary fallback={() => null}>
        <Explain />
      </Boundary>
      {dialog !== null && (
        <Later
          key={dialog}
          load={DIALOGS[dialog]}
          props={{ overview, actions, close: closeDialog }}
          close={closeDialog}
        />
      )}
    </div>
  );
}

function emptyText(hosts: number): string {
  return hosts === 0 ? "no hosts yet" : "no host matches the filter";
}
