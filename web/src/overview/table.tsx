/**
 * The table of hosts. Only the rows on screen are in the document; a screen reader gets their number and places. It is a
 * table with a link in each row, not a grid: so a screen reader can read it cell by cell with the keys that it has for
 * tables, and a browser can open a host in a new tab.
 */
import { useEffect, useRef } from "react";

import { explained } from "../parts/explained";
import { useLayout } from "../parts/layout";
import type { Freshness } from "../store/freshness";
import { useStore } from "../store/use-telemetry";
import { sortedBy, type Choices } from "./choices";
import type { OverviewState, RunningOverview } from "./create-overview";
import { SORTS, type Row, type Sort } from "./order";
import { HostRow } from "./row";
import { seriesFor } from "./sparklines";
import { useHostList } from "./use-hosts";
import "./table.css";

interface Head {
  readonly sort: Sort;
  readonly label: string;
  readonly className: string;
  readonly explain?: string;
}

const HEADS: readonly Head[] = [
  { sort: "name", label: "host", className: "name" },
  { sort: "worst", label: "state", className: "state" },
  { sort: "cpu", label: "cpu %", className: "right", explain: "vitals.cpu" },
  { sort: "memory", label: "mem %", className: "right", explain: "vitals.memory" },
  { sort: "disk", label: "disk %", className: "right", explain: "vitals.disk" },
  { sort: "filesystem", label: "fs %", className: "right", explain: "vitals.filesystem" },
  { sort: "rx", label: "rx /s", className: "right", explain: "vitals.rx" },
  { sort: "tx", label: "tx /s", className: "right", explain: "vitals.tx" },
  { sort: "celsius", label: "°C", className: "right", explain: "vitals.celsius" },
];
/** On a tablet there is no space for rates and the sparkline. On a phone, the state is below the name. */
const TABLET_SORTS: readonly Sort[] = [
  "name",
  "worst",
  "cpu",
  "memory",
  "disk",
  "filesystem",
  "celsius",
];
const PHONE_SORTS: readonly Sort[] = ["name", "cpu", "memory", "filesystem"];

/** Heights of a row in rem. On a phone, it has two lines, and a finger needs more. */
const ROW_REM = 1.5;
const PHONE_ROW_REM = 2.75;

/** The hosts on the page, as the table and the map get them. */
export interface HostTableProps {
  readonly overview: RunningOverview;
  readonly rows: readonly Row[];
  readonly state: OverviewState;
  readonly fresh: Freshness;
  readonly choices: Choices;
}

export function HostTable({ overview, rows, state, fresh, choices }: HostTableProps) {
  const { phone, wide, scale } = useLayout();
  const height = Math.round((phone ? PHONE_ROW_REM : ROW_REM) * 16 * scale);
  const sorts = wide ? SORTS : phone ? PHONE_SORTS : TABLET_SORTS;
  const heads = HEADS.filter(({ sort }) => sorts.includes(sort));
  const columns = wide ? heads.length + 1 : heads.length; // with the sparkline
  const body = useRef<HTMLTableSectionElement>(null);
  const { parts, active, handlers } = useHostList({
    ...{ overview, rows, list: body, perLine: 1, height },
  });
  const shown = parts.flatMap((part) =>
    part.kind === "row" ? (rows[part.at]?.host.id ?? []) : [],
  );
  const ids = shown.join();
  useEffect(() => {
    overview.sparklines.want(!wide || ids === "" ? [] : ids.split(","));
  }, [overview, ids, wide]);
  const version = useStore(overview.sparklines.version, (now) => now);
  const series = seriesFor(choices.sort);
  return (
    <table
      className="host-table"
      aria-label="Hosts"
      aria-rowcount={rows.length + 1}
      style={{ "--row": `${height}px` } as React.CSSProperties}
    >
      <colgroup>
        {heads.map(({ sort, className }) => (
          <col key={sort} className={`col-${sort} ${className}`} />
        ))}
        {wide && <col className="col-spark" />}
      </colgroup>
      <thead>
        <tr aria-rowindex={1}>
          {heads.map((head) => (
            <HeadCell
              key={head.sort}
              head={head}
              choices={choices}
              press={() => {
                overview.choices.update((before) => sortedBy(before, head.sort));
              }}
            />
          ))}
          {wide && (
            <th scope="col" className="spark-head">
              <span {...explained(`vitals.${series}`)}>{series}, last 5 min</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody ref={body} {...handlers}>
        {parts.map((part) => {
          if (part.kind === "space")
            return <Space key={`space ${part.before}`} rows={part.rows} columns={columns} />;
          const row = rows[part.at];
          return (
            row !== undefined && (
              <HostRow
                key={row.number}
                row={row}
                at={part.at}
                active={part.at === active}
                {...{ state, fresh, series, sorts }}
                spark={overview.sparklines.of(row.host.id, series)}
                sparkVersion={version}
              />
            )
          );
        })}
      </tbody>
    </table>
  );
}

function Space({ rows, columns }: { rows: number; columns: number }) {
  return (
    <tr aria-hidden="true" className="space">
      <td colSpan={columns} style={{ height: `calc(var(--row) * ${rows})` }} />
    </tr>
  );
}

interface HeadCellProps {
  readonly head: Head;
  readonly choices: Choices;
  readonly press: () => void;
}

function HeadCell({ head, choices, press }: HeadCellProps) {
  const { sort, label, className, explain } = head;
  const sorted = choices.sort === sort;
  // The name and the worst begin with the first one, numbers with the highest.
  const ascending = (sort === "name" || sort === "worst") !== choices.reversed;
  const direction = ascending ? "ascending" : "descending";
  return (
    <th
      scope="col"
      className={`${className}${sorted ? " sorted" : ""}`}
      aria-sort={sorted ? direction : undefined}
      data-explain={explain}
    >
      <button type="button" onClick={press}>
        {label}
        {sorted && <i className={ascending ? "up" : "down"} />}
      </button>
    </th>
  );
}
