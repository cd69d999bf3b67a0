/**
 * The table of processes. It asks for processes only while it is on screen. It sorts the rows every two seconds, but
 * not while the pointer is on a row: the row that the viewer is about to click stays where it is.
 */
import { useCallback, useMemo, useRef, useState } from "react";

import { count } from "../../format/numbers";
import { useDrawer } from "../../parts/drawer";
import { useLayout, type Layout } from "../../parts/layout";
import { useSession, useStore, useView } from "../../store/use-telemetry";
import { Columns, Heads } from "./columns";
import { Filter } from "./filter";
import { matches, sortKeyOf } from "./order";
import { ProcessRow } from "./row";
import { createProcessTable, identity, type ProcessState } from "./table";
import { useSteadyOrder } from "./use-steady-order";
import { useFittingRows, useOnScreen } from "./visible-rows";
import "./processes.css";

const MAX_ROWS_ON_PHONE = 10;
const MAX_ROWS_ON_TABLET = 14;

export function Processes() {
  const { watchSections } = useSession();
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
  const [held, setHeld] = useState(false);
  const drawer = useDrawer();

  const { table, failure } = state;
  const found = useMemo(
    () => (table?.top ?? []).filter((row) => matches(row, filter)),
    [table, filter],
  );
  const rows = useSteadyOrder(found, sortKey, reversed, held || drawer.open !== null);
  const [list, fitting] = useFittingRows(view.kiosk);
  const shown = rows.slice(0, maxRows(useLayout()) ?? fitting);
  return (
    <section className="processes" aria-label="Processes" ref={place}>
      <Head state={state} />
      {table?.visibility === "partial" && (
        <p className="faint">only processes that the server’s account may see</p>
      )}
      {failure !== null && <p className="reason">▲ failed: {failure}</p>}
      <div className="rows" ref={list}>
        <table>
          <Columns />
          <Heads sortKey={sortKey} reversed={reversed} />
          <tbody
            onPointerEnter={() => {
              setHeld(true);
            }}
            onPointerLeave={() => {
              setHeld(false);
            }}
          >
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
          <p className="faint">
            {filter === "" ? "no processes" : "no process matches the filter"}
          </p>
        )}
      </div>
    </section>
  );
}

/** Return the limit for the rows; null on a wide page, where the table scrolls. */
function maxRows({ wide, phone }: Layout): number | null {
  if (wide) return null;
  return phone ? MAX_ROWS_ON_PHONE : MAX_ROWS_ON_TABLET;
}

function Head({ state: { table, source } }: { state: ProcessState }) {
  const states = table?.by_state;
  const waiting = states?.["disk_sleep"] ?? 0;
  return (
    <div className="panel-head">
      <h2 data-explain="processes" tabIndex={0}>
        Processes
      </h2>
      <span data-testid="process-count">{count(table?.total)}</span>
      <span className="not-phone">{count(states?.["running"])} running</span>
      <span className={waiting > 0 ? "secondary" : ""}>
        {count(states === undefined ? null : waiting)} waiting on disk
      </span>
      {source === "psutil" && <span>psutil</span>}
      <Filter />
    </div>
  );
}
