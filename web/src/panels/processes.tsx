/**
 * The process table. Asks for processes only while it is on screen; takes a new order each two
 * seconds, and none while the pointer is on a row: what is about to be clicked does not run away.
 */
import { useMemo, useRef, useState } from "react";

import { count } from "../format/numbers";
import { identity } from "../store/processes";
import { SORTS, type SortKey } from "../store/view";
import { useSession, useStore, useView } from "../store/use-telemetry";
import { useDrawer } from "./drawer";
import { matches, sortKeyOf } from "./process-order";
import { ProcessRow } from "./process-row";
import { useFittingRows, useOnScreen } from "./use-on-screen";
import { useSteadyOrder } from "./use-steady-order";

export interface ProcessesProps {
  /** At most so many rows; null where the table scrolls in its own place. */
  readonly most: number | null;
}

export function Processes({ most }: ProcessesProps) {
  const { processes, watchProcesses } = useSession();
  const place = useRef<HTMLElement>(null);
  useOnScreen(place, watchProcesses);
  const { table, failed, source } = useStore(processes.store, (state) => state);
  const sort = useView((view) => view.sort);
  const focus = useView((view) => view.focus);
  const reversed = useView((view) => view.reversed);
  const filter = useView((view) => view.filter);
  const key = sortKeyOf({ sort, focus });
  const [held, setHeld] = useState(false);
  const drawer = useDrawer();

  const found = useMemo(
    () => (table?.top ?? []).filter((row) => matches(row, filter)),
    [table, filter],
  );
  const rows = useSteadyOrder(found, key, reversed, held || drawer.open !== null);
  const kiosk = useView((view) => view.kiosk);
  const [list, fitting] = useFittingRows(kiosk);
  const shown = rows.slice(0, most ?? fitting);
  const states = table?.by_state;
  const waiting = states?.["disk_sleep"] ?? 0;
  return (
    <section className="procs" aria-label="Processes" ref={place}>
      <div className="head">
        <h2 data-explain="processes" tabIndex={0}>
          Processes
        </h2>
        <span data-testid="process-count">{count(table?.total)}</span>
        <span className="hm">{count(states?.["running"])} running</span>
        <span className={waiting > 0 ? "q" : ""}>
          {count(states === undefined ? null : waiting)} waiting on disk
        </span>
        {source === "psutil" && <span>psutil</span>}
        <Filter />
      </div>
      {table?.visibility === "partial" && <p className="f">only processes this account may see</p>}
      {failed !== null && <p className="why">▲ failed: {failed}</p>}
      <div className="rows" ref={list}>
        <table>
          <Columns />
          <Heads sortKey={key} reversed={reversed} />
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
                open={drawer.isOpen(identity(row))}
                toggle={drawer.toggle(identity(row))}
              />
            ))}
          </tbody>
        </table>
        {table !== null && shown.length === 0 && (
          <p className="f">{filter === "" ? "no process" : "no process matches"}</p>
        )}
      </div>
    </section>
  );
}

function Filter() {
  const { actions } = useSession();
  const filter = useView((view) => view.filter);
  return (
    <label className="filter">
      <span className="hidden">filter processes</span>
      <input
        id="process-filter"
        type="search"
        placeholder="filter"
        value={filter}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          actions.setFilter(event.target.value);
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

function Columns() {
  return (
    <colgroup>
      {SORTS.map((name) => (
        <col key={name} className={`col-${name}`} />
      ))}
    </colgroup>
  );
}

const HEADS: Readonly<Record<SortKey, { label: string; className: string; explain?: string }>> = {
  pid: { label: "pid", className: "r hm" },
  command: { label: "command", className: "" },
  user: { label: "user", className: "hm nm" },
  state: { label: "s", className: "state", explain: "state" },
  cpu: { label: "cpu %", className: "r", explain: "cpu%" },
  memory: { label: "memory", className: "r", explain: "rss" },
  threads: { label: "thr", className: "r hm nm" },
};

function Heads({ sortKey, reversed }: { sortKey: SortKey; reversed: boolean }) {
  const { actions } = useSession();
  return (
    <thead>
      <tr>
        {SORTS.map((name) => {
          const { label, className, explain } = HEADS[name];
          const by = name === sortKey;
          const direction = by ? (reversed ? "ascending" : "descending") : undefined;
          return (
            <th
              key={name}
              scope="col"
              className={`${className}${by ? " by" : ""}`}
              aria-sort={direction}
              data-explain={explain}
            >
              <button
                type="button"
                aria-label={name === "state" ? "state" : undefined}
                onClick={() => {
                  actions.sortBy(name, sortKey);
                }}
              >
                {label}
                {by && <i className={reversed ? "up" : "down"} />}
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
