/** One host: its state and its newest values. Values that are not of the present are grey, and have their age. */
import { memo } from "react";

import { byteRate, fixed, percent, UNKNOWN } from "../format/numbers";
import { age } from "../format/time";
import { toneOf } from "../charts/tone";
import { LEVELS, MARKS } from "../store/alerts";
import type { Freshness } from "../store/freshness";
import { ageOf, type OverviewState } from "./create-overview";
import { HostSpark } from "./host-spark";
import { stateText } from "./note";
import { levelOf, type Row, type Sort } from "./order";
import type { SeriesName } from "./sparklines";
import { LOOKS } from "./states";

export interface HostRowProps {
  readonly row: Row;
  /** The place among the hosts, from 0. */
  readonly at: number;
  readonly active: boolean;
  /** The columns that there is space for. */
  readonly sorts: readonly Sort[];
  readonly state: OverviewState;
  readonly fresh: Freshness;
  readonly series: SeriesName;
  readonly spark: readonly (number | null)[] | null;
  readonly sparkVersion: number;
}

/** With memo: while the page scrolls, only the rows that appear are drawn. */
export const HostRow = memo((props: HostRowProps) => {
  const { row, at, active, sorts, state, fresh } = props;
  const { values, number } = row;
  const hasStateCell = sorts.includes("worst");
  const present = <State row={row} state={state} fresh={fresh} />;
  return (
    <tr
      data-host={number}
      aria-rowindex={at + 2}
      className={row.state === "live" ? undefined : "old"}
    >
      <th scope="row" className="primary">
        <HostLink row={row} active={active} />
        {!hasStateCell && present}
      </th>
      {hasStateCell && <td className="state">{present}</td>}
      {PERCENTAGES.map(
        (column) => sorts.includes(column) && <Percentage key={column} value={values[column]} />,
      )}
      {sorts.includes("rx") && <td className="right">{rateText(values.rx)}</td>}
      {sorts.includes("tx") && <td className="right">{rateText(values.tx)}</td>}
      {sorts.includes("celsius") && <td className="right">{fixed(values.celsius, 0)}</td>}
      {sorts.includes("rx") && <SparkCell {...props} />}
    </tr>
  );
});

const PERCENTAGES = ["cpu", "memory", "disk", "filesystem"] as const;

function SparkCell({ series, spark, sparkVersion }: HostRowProps) {
  const isPercentage = series === "cpu" || series === "memory";
  return (
    <td className="spark-cell">
      <HostSpark values={spark} version={sparkVersion} isPercentage={isPercentage} />
    </td>
  );
}

export function hrefOf(id: string): string {
  return `?host=${encodeURIComponent(id)}`;
}

export function HostLink({ row: { host, number }, active }: { row: Row; active: boolean }) {
  return (
    <a
      href={hrefOf(host.id)}
      tabIndex={active ? 0 : -1}
      aria-describedby={`state-${number}`}
      title={host.name}
    >
      {host.name}
    </a>
  );
}

function State({ row, state, fresh }: Pick<HostRowProps, "row" | "state" | "fresh">) {
  const { symbol, level } = LOOKS[row.state];
  const seconds = ageOf(row, state, fresh);
  const isOld = seconds !== null && seconds > 0;
  return (
    <>
      <span className={`symbol ${level ?? row.state}`} aria-hidden="true">
        {symbol}
      </span>
      <span className={`word ${level ?? ""}`}>
        {row.state}
        {isOld && <span className="age"> {age(seconds)}</span>}
      </span>
      <AlertCounts row={row} />
      {/* Describes the link. It need not be shown for that. */}
      <span hidden id={`state-${row.number}`}>
        {stateText(row, state, fresh)}
      </span>
    </>
  );
}

/** The number of alerts of each severity; the description of the host has the text of the worst one. */
function AlertCounts({ row }: { row: Row }) {
  const { alerts } = row;
  if (alerts === null || levelOf(row) === undefined) return null;
  return (
    <span className="alerts" aria-hidden="true" title={alerts.text ?? undefined}>
      {LEVELS.filter((level) => alerts[level] > 0).map((level) => (
        <span key={level} className={toneOf(level)}>
          {`${MARKS[level]} ${alerts[level]}`}
        </span>
      ))}
    </span>
  );
}

function Percentage({ value }: { value: number | null }) {
  const share = Math.max(0, Math.min(1, Math.round(value ?? 0) / 100));
  return (
    <td className="right share" style={{ "--share": share } as React.CSSProperties}>
      {percent(value)}
    </td>
  );
}

/** `1.4 Mi`: the head has the rest of the unit. */
function rateText(value: number | null): string {
  const { value: text, unit } = byteRate(value);
  return text === UNKNOWN ? UNKNOWN : `${text} ${unit.replace(/B\/s$/, "") || "B"}`;
}
