/** The overview of a front end: counts by state, which are filters, and a table or a map of the hosts. */
import { useEffect, useMemo, useRef, useState } from "react";

import { count } from "../format/numbers";
import { Boundary } from "../parts/boundary";
import { useHold } from "../parts/use-hold";
import { Explain } from "../shell/explain";
import { Help } from "../shell/help";
import { keyFor } from "../shell/keys";
import { freshness, isDisconnected } from "../store/freshness";
import { usePage, useStore, useView } from "../store/use-telemetry";
import { Announcer } from "./announcer";
import { DEFAULT_CHOICES, queryFromChoices, shapeFor, sortedBy } from "./choices";
import type { RunningOverview } from "./create-overview";
import { COLUMNS } from "./frames";
import { OverviewHeader } from "./header";
import { chosenRows } from "./order";
import { HOST_KEYS, KEYS, type OverviewActions } from "./keys";
import { Note } from "./note";
import { HostTable } from "./table";
import { TileMap } from "./tile-map";
import { FILTER_ID, Toolbar } from "./toolbar";
import "./overview.css";

export interface OverviewProps {
  readonly overview: RunningOverview;
  readonly toggleTheme: () => void;
}

/** The hosts on the page, as the table and the map get them. */
export interface HostsProps {
  readonly overview: RunningOverview;
  /** The row that the note describes; null: none. */
  readonly describe: (number: number | null) => void;
}

export function Overview({ overview, toggleTheme }: OverviewProps) {
  const page = usePage();
  const kiosk = useView((view) => view.kiosk);
  const state = useStore(overview.state, (now) => now);
  const choices = useStore(overview.choices, (now) => now);
  const [helpIsOpen, setHelpIsOpen] = useState(false);
  const [described, describe] = useState<number | null>(null);
  const fresh = freshness(state, state.nowMs);
  const rows = useMemo(() => chosenRows(state.rows, choices), [state.rows, choices]);
  const shape = shapeFor(choices, state.rows.length);
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
          const shown = shapeFor(before, overview.state.get().rows.length);
          return { ...before, shape: shown === "table" ? "map" : "table" };
        });
      },
      filter: () => {
        document.getElementById(FILTER_ID)?.focus();
      },
      clear: () => {
        const { filter, states } = DEFAULT_CHOICES;
        overview.choices.update((before) => ({ ...before, filter, states }));
      },
      toggleTheme,
      toggleKiosk: () => {
        page.actions.setKiosk(!page.view.get().kiosk);
      },
      toggleHelp: () => {
        setHelpIsOpen((before) => !before);
      },
    }),
    [overview, page, toggleTheme],
  );
  useOverviewKeys(actions, helpIsOpen);
  const Hosts = shape === "map" ? TileMap : HostTable;
  const version = useStore(page.firstVersion, (now) => now) ?? undefined;
  return (
    <div
      className={`page overview ${isDisconnected(fresh) ? "lost" : fresh.kind}${kiosk ? " kiosk" : ""}`}
    >
      <OverviewHeader overview={overview} state={state} fresh={fresh} actions={actions} />
      <main>
        <Toolbar overview={overview} state={state} shape={shape} shown={rows.length} held={held} />
        <div className="hosts" ref={list} {...handlers}>
          <Boundary fallback={(reason) => <p className="reason">▲ hosts failed: {reason}</p>}>
            <Hosts {...{ overview, rows, state, fresh, choices, describe }} />
          </Boundary>
          {rows.length === 0 && <p className="faint">{emptyText(state.rows.length)}</p>}
          {state.more > 0 && <p className="warn">▲ {count(state.more)} more hosts are not shown</p>}
        </div>
      </main>
      <Note row={rows.find(({ number }) => number === described)} state={state} fresh={fresh} />
      <Announcer state={state} fresh={fresh} />
      <Explain />
      {helpIsOpen && (
        <Help
          keys={[...HOST_KEYS, ...KEYS]}
          names={COLUMNS.map((column) => `vitals.${column}`)}
          version={version}
          close={() => {
            setHelpIsOpen(false);
          }}
        />
      )}
    </div>
  );
}

function emptyText(hosts: number): string {
  return hosts === 0 ? "no hosts yet" : "no host matches the filter";
}

function useOverviewKeys(actions: OverviewActions, helpIsOpen: boolean): void {
  const page = usePage();
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.defaultPrevented) return;
      if (event.key === "Escape" && !helpIsOpen && target instanceof HTMLInputElement) {
        actions.clear();
        target.blur();
        return;
      }
      const key = keyFor(event, page.view.get().characterKeys, KEYS);
      if (key === null || (helpIsOpen && key.shown !== "?")) return;
      event.preventDefault();
      key.run(actions, event);
    };
    window.addEventListener("keydown", press);
    return () => {
      window.removeEventListener("keydown", press);
    };
  }, [page, actions, helpIsOpen]);
}
