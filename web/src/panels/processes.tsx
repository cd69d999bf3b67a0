/**
 * The process table. Asks for processes only while it is on screen; takes a new order each two
 * seconds, and none while the pointer is on a row: what is about to be clicked does not run away.
 */
import { useEffect, useMemo, useRef, useState } from "react";

import { count } from "../format/numbers";
import type { Process } from "../protocol/sections";
import { identity } from "../store/processes";
import { SORTS, type SortKey } from "../store/view";
import { useSession, useStore, useView } from "../store/use-telemetry";
import { useDrawer } from "./drawer";
import { matches, ordered, sortKeyOf } from "./process-order";
import { ProcessRow } from "./process-row";

const REORDER_MS = 2000;
const HEAD_REM = 1.25;
const ROW_REM = 1.3125;

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

/** The newest values in an order that is at most two seconds old; new arrivals go last meanwhile. */
function useSteadyOrder(
  rows: readonly Process[],
  key: SortKey,
  reversed: boolean,
  held: boolean,
): Process[] {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (held) return;
    const timer = setInterval(() => {
      setTurn((before) => before + 1);
    }, REORDER_MS);
    return () => {
      clearInterval(timer);
    };
  }, [held]);
  const [order, setOrder] = useState<{ for: string; places: ReadonlyMap<string, number> }>({
    for: "",
    places: new Map(),
  });
  const wanted = `${key} ${reversed} ${turn} ${order.places.size === 0}`;
  if (order.for !== wanted && rows.length > 0) {
    const places = new Map(ordered(rows, key, reversed).map((row, at) => [identity(row), at]));
    setOrder({ for: `${key} ${reversed} ${turn} false`, places });
  }
  return useMemo(() => {
    const placeOf = (row: Process): number => order.places.get(identity(row)) ?? Infinity;
    return [...rows].sort((one, other) => {
      const [a, b] = [placeOf(one), placeOf(other)];
      return a === b ? one.pid - other.pid : a - b;
    });
  }, [rows, order]);
}

/** On a wall nobody scrolls: as many whole rows as there is room for. */
function useFittingRows(kiosk: boolean): [React.RefObject<HTMLDivElement | null>, number] {
  const list = useRef<HTMLDivElement>(null);
  const [fitting, setFitting] = useState(Infinity);
  useEffect(() => {
    const element = list.current;
    if (element === null || !kiosk) return;
    const observer = new ResizeObserver(() => {
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      setFitting(Math.max(1, Math.floor((element.clientHeight / rem - HEAD_REM) / ROW_REM)));
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [kiosk]);
  return [list, kiosk ? fitting : Infinity];
}

function useOnScreen(place: React.RefObject<HTMLElement | null>, run: () => () => void): void {
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let stop: (() => void) | null = null;
    let onScreen = false;
    const decide = (): void => {
      const wanted = onScreen && document.visibilityState !== "hidden";
      if (wanted) stop ??= run();
      else {
        stop?.();
        stop = null;
      }
    };
    const observer = new IntersectionObserver((entries) => {
      onScreen = entries.at(-1)?.isIntersecting ?? false;
      decide();
    });
    observer.observe(element);
    document.addEventListener("visibilitychange", decide);
    return () => {
      observer.disconnect();
      document.removeEventListener("visibilitychange", decide);
      stop?.();
    };
  }, [place, run]);
}
