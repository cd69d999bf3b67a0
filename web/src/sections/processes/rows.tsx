/**
 * The rows of the table, loaded after the page is drawn first. They are sorted with every sample, but not while the pointer
 * or the focus is on a row: the row that the viewer is about to click stays where it is.
 */
import { useMemo, type RefObject } from "react";

import { count } from "../../format/numbers";
import { useDrawer } from "../../parts/drawer";
import { useLayout, type Layout } from "../../parts/layout";
import type { useHold } from "../../parts/use-hold";
import { useView } from "../../store/use-telemetry";
import type { Processes } from "../../protocol/sections";
import { Columns, Heads } from "./columns";
import { matches, sortKeyOf } from "./order";
import { Pager } from "./pager";
import { ProcessRow } from "./row";
import { identity, type ProcessState, type ProcessTable } from "./table";
import { useAllProcesses } from "./use-all";
import { useSteadyOrder } from "./use-steady-order";
import { useFittingRows } from "./visible-rows";
import "./rows.css";

const MAX_ROWS_ON_PHONE = 10;
const MAX_ROWS_ON_TABLET = 14;
const PAGE_ROWS = 50;

export interface RowsProps {
  readonly processes: ProcessTable;
  readonly state: ProcessState;
  /** Whether all processes are listed in pages, instead of the busiest ones. */
  readonly isAll: boolean;
  readonly place: RefObject<HTMLElement | null>;
  readonly body: RefObject<HTMLTableSectionElement | null>;
  readonly hold: ReturnType<typeof useHold>;
}

export function Rows({ processes, state, isAll, place, body, hold }: RowsProps) {
  const view = useView((now) => now);
  const { reversed, filter } = view;
  const sortKey = sortKeyOf(view);
  const drawer = useDrawer();
  const limit = maxRows(useLayout());
  const all = useAllProcesses(place, limit ?? PAGE_ROWS, isAll);

  const { table } = state;
  const failure = (isAll ? all.failure : null) ?? state.failure;
  const listed = isAll ? all.page?.rows : undefined;
  const found = useMemo(
    () => listed ?? (table?.top ?? []).filter((row) => matches(row, filter)),
    [listed, table, filter],
  );
  const rows = useSteadyOrder(found, sortKey, reversed, hold.held);
  const [list, fitting] = useFittingRows(view.kiosk);
  const shown = rows.slice(0, limit ?? fitting);
  return (
    <>
      {table?.visibility === "partial" && (
        <p className="faint">only processes that the server’s account may see</p>
      )}
      {failure !== null && <p className="reason">▲ failed: {failure}</p>}
      <div className="rows" ref={list}>
        <table>
          <Columns />
          <Heads sortKey={sortKey} reversed={reversed} />
          <tbody ref={body} {...hold.handlers}>
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
            {filter === "" ? "no processes" : noMatch(table, listed !== undefined)}
          </p>
        )}
      </div>
      {isAll && <Pager all={all} />}
    </>
  );
}

/** Return the limit for the rows; null on a wide page, where the table scrolls. */
function maxRows({ wide, phone }: Layout): number | null {
  if (wide) return null;
  return phone ? MAX_ROWS_ON_PHONE : MAX_ROWS_ON_TABLET;
}

/** Of itself, the server sends only the processes with the most CPU and memory. */
function noMatch({ top, total }: Processes, isComplete: boolean): string {
  const sent = top?.length ?? 0;
  return isComplete || total == null || sent >= total
    ? "no process matches the filter"
    : `no match among the busiest ${count(sent)} of ${count(total)} processes`;
}
