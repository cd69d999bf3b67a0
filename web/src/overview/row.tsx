/** One host: its state and its newest values. Values that are not of the present are grey, and have their age. */
import { byteRate, fixed, percent, UNKNOWN } from "../format/numbers";
import { age } from "../format/time";
import { Mark, toneOf } from "../parts/tone";
import type { Freshness } from "../store/freshness";
import { ageOf, type OverviewState } from "./create-overview";
import type { Column } from "./frames";
import { HostSpark } from "./host-spark";
import { stateText } from "./note";
import { levelOf, type Row } from "./order";
import type { SeriesName } from "./sparklines";
import { LOOKS } from "./states";

export interface HostRowProps {
  readonly row: Row;
  /** The place among the hosts, from 0. */
  readonly at: number;
  readonly active: boolean;
  /** There is space for a few columns only. */
  readonly phone: boolean;
  readonly state: OverviewState;
  readonly fresh: Freshness;
  readonly series: SeriesName;
  readonly spark: readonly (number | null)[] | null;
  readonly sparkVersion: number;
}

export function HostRow(props: HostRowProps) {
  const { row, at, active, phone, state, fresh } = props;
  const { values, number } = row;
  const present = <State row={row} state={state} fresh={fresh} />;
  return (
    <tr
      data-host={number}
      aria-rowindex={at + 2}
      className={row.state === "live" ? undefined : "old"}
    >
      <th scope="row" className="primary">
        <HostLink row={row} active={active} />
        {phone && present}
      </th>
      {!phone && <td className="state">{present}</td>}
      <Percentage column="cpu" value={values.cpu} />
      <Percentage column="memory" value={values.memory} />
      {!phone && <Percentage column="disk" value={values.disk} />}
      <Percentage column="filesystem" value={values.filesystem} />
      {!phone && <MoreCells {...props} />}
    </tr>
  );
}

function MoreCells({ row: { values }, series, spark, sparkVersion }: HostRowProps) {
  return (
    <>
      <td className="right">{rateText(values.rx)}</td>
      <td className="right">{rateText(values.tx)}</td>
      <td className="right">{fixed(values.celsius, 0)}</td>
      <td className="spark-cell">
        <HostSpark
          values={spark}
          version={sparkVersion}
          isPercentage={series === "cpu" || series === "memory"}
        />
      </td>
    </>
  );
}

export function hrefOf(id: string): string {
  return `?${new URLSearchParams({ host: id }).toString()}`;
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
      <span className={`word ${level ?? ""}`} aria-hidden="true">
        {row.state}
        {isOld && <span className="age"> {age(seconds)}</span>}
      </span>
      <span className="visually-hidden" id={`state-${row.number}`}>
        {stateText(row, state, fresh)}
      </span>
    </>
  );
}

interface PercentageProps {
  readonly column: Column;
  readonly value: number | null;
}

function Percentage({ column, value }: PercentageProps) {
  const level = levelOf(column, value);
  return (
    <td className={`right ${toneOf(level)}`}>
      <span className="bar-cell">
        <span className={`bar data ${toneOf(level)}`}>
          <span style={{ width: `${Math.max(0, Math.min(100, value ?? 0))}%` }} />
        </span>
        <span>
          <Mark level={level} />
          {percent(value)}
        </span>
      </span>
    </td>
  );
}

/** `1.4 Mi`: the head has the rest of the unit. */
function rateText(value: number | null): string {
  const { value: text, unit } = byteRate(value);
  return text === UNKNOWN ? UNKNOWN : `${text} ${unit.replace(/B\/s$/, "") || "B"}`;
}
