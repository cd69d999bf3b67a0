/**
 * The table of processes. It asks for processes only while it is on screen. It sorts the rows with every sample, but not
 * while the pointer or the focus is on a row: the row that the viewer is about to click stays where it is.
 */
import { useCallback, useMemo, useRef, useState } from "react";

import { count } from "../../format/numbers";
import { useDrawer } from "../../parts/drawer";
import { explained } from "../../parts/explained";
import { useLayout, type Layout } from "../../parts/layout";
import { useOnScreen } from "../../parts/on-screen";
import { useHold } from "../../parts/use-hold";
import { useHost, useStore, useView } from "../../store/use-telemetry";
import type { Processes } from "../../protocol/sections";
import { Columns, Heads } from "./columns";
import { Filter } from "./filter";
import { matches, sortKeyOf } from "./order";
import { Pager } from "./pager";
import { ProcessRow } from "./row";
import { createProcessTable, identity, type ProcessState } from "./table";
import { ALL_ID, useAllProcesses, type AllProcesses } from "./use-all";
import { useSteadyOrder } from "./use-steady-order";
import { useFittingRows } from "./visible-rows";
import "./processes.css";

const MAX_ROWS_ON_PHONE = 10;
const MAX_ROWS_ON_TABLET = 14;
const PAGE_ROWS = 50;

export function ProcessPanel() {
  const { watchSections } = useHost();
  const [processes] = useState(createProcessTable);
  const place = useRef<HTMLElement>(null);
  const watch = useCallback(
    () => watchSections(["processes"], processes),
    [watchSections, processes],
  );
  useOnScreen(place, watch);
  const state = useStore(processes.store, (now) => now);
  const view = useView((now) => now);
  const { reversed, filter } = view;
  const sortKey = sortKeyOf(view);
  const drawer = useDrawer();
  const limit = maxRows(useLayout());
  const all = useAllProcesses(place, limit ?? PAGE_ROWS);

  const { table } = state;
  const failure = (all.isOn ? all.failure : null) ?? state.failure;
  const listed = all.isOn ? all.page?.rows : undefined;
  const found = useMemo(
    () => listed ?? (table?.top ?? []).filter((row) => matches(row, filter)),
    [listed, table, filter],
  );
  const body = useRef<HTMLTableSectionElement>(null);
  const { held, handlers } = useHold(body, table);
  const rows = useSteadyOrder(found, sortKey, reversed, held);
  const [list, fitting] = useFittingRows(view.kiosk);
  const shown = rows.slice(0, limit ?? fitting);
  return (
    <section
      className="processes"
      id="processes"
      data-panel="Processes"
      tabIndex={-1}
      aria-label="Processes"
      ref={place}
    >
      <Head state={state} held={held} all={all} />
      {table?.visibility === "partial" && (
        <p className="faint">only processes that the server’s account may see</p>
      )}
      {failure !== null && <p className="reason">▲ failed: {failure}</p>}
      <div className="rows" ref={list}>
        <table>
          <Columns />
          <Heads sortKey={sortKey} reversed={reversed} />
          <tbody ref={body} {...handlers}>
            {shown.map((row) => (
              <ProcessRow
                key={identity(row)}
                row={row}
                past={processes.past(row)}
                open={drawer.isOpen(identity(row))}
                toggle={drawer.toggle(identity(row))}
              />
            ))}
          </tbody>
        </table>
        {table !== null && shown.length === 0 && (
          <p className="faint">{filter === "" ? "no processes" : noMatch(table, all.isOn)}</p>
        )}
      </div>
      {all.isOn && <Pager all={all} />}
    </section>
  );
}

/** Return the limit for the rows; null on a wide page, where the table scrolls. */
function maxRows({ wide, phone }: Layout): number | null {
  if (wide) return null;
  return phone ? MAX_ROWS_ON_PHONE : MAX_ROWS_ON_TABLET;
}

/** Of itself, the server sends only the processes with the most CPU and memory. */
function noMatch({ top, total }: Processes, isAll: boolean): string {
  const sent = top?.length ?? 0;
  return isAll || total == null || sent >= total
    ? "no process matches the filter"
    : `no match among the busiest ${count(sent)} of ${count(total)} processes`;
}

interface HeadProps {
  readonly state: ProcessState;
  readonly held: boolean;
  readonly all: AllProcesses;
}

function Head({ state: { table, source }, held, all }: HeadProps) {
  const states = table?.by_state;
  const waiting = states?.["disk_sleep"] ?? 0;
  return (
    <div className="panel-head">
      <h2 {...explained("processes")}>Processes</h2>
      <span data-testid="process-count">{count(table?.total)}</span>
      <span className="not-phone">{count(states?.["running"])} running</span>
      <span className={waiting > 0 ? "waiting secondary" : "waiting"}>
        {count(states === undefined ? null : waiting)} waiting on disk
      </span>
      {/* It keeps its space, so that nothing moves when it appears. */}
      <span
        className={held ? "held" : "held off"}
        title="the rows keep their places while the pointer or the focus is on one of them"
      >
        order held
      </span>
      {source === "psutil" && <span>psutil</span>}
      <button
        id={ALL_ID}
        type="button"
        className="all"
        aria-pressed={all.isOn}
        title="list every process in pages"
        onClick={all.toggle}
      >
        all<kbd aria-hidden="true">e</kbd>
      </button>
      <Filter />
    </div>
  );
}
