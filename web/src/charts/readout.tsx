/**
 * The legend, which also shows the values: the newest ones, or those at the cursor, in the order of the stack. A click
 * on a row shows that series alone. With `statistics`, there are average, maximum and total of the window beside them.
 */
import type { ReactNode } from "react";

import { fixed, UNKNOWN } from "../format/numbers";
import { levelAbout, type Alerts } from "../store/alerts";
import type { Picture } from "../store/display";
import { usePage, useStore } from "../store/use-telemetry";
import { indexAt, isRate, newestIndex, valuesOf, type ChartSpec } from "./spec";
import { totalText, type Statistics } from "./statistics";
import { Mark } from "./tone";
import "./readout.css";

export interface ReadoutProps {
  readonly spec: ChartSpec;
  readonly picture: Picture;
  /** Of each series in the window; null: they are not shown. */
  readonly statistics: readonly Statistics[] | null;
  /** The label of the series that is shown alone. */
  readonly alone: string | null;
  readonly choose: (label: string | null) => void;
  /** They mark the values that they are about. */
  readonly alerts: Alerts;
}

export function Readout(props: ReadoutProps) {
  const { spec, picture, statistics, alone, choose, alerts } = props;
  const { slice } = picture;
  const { cursor } = usePage();
  const x = useStore(cursor, (at) => at);
  const index = x === null ? newestIndex(slice) : indexAt(slice, x);
  if (spec.kind === "cells") return <CellsReadout {...props} index={index} />;
  const all = spec.series.map((series, at) => ({ series, own: statistics?.[at] }));
  const rows = spec.kind === "stack" ? all.toReversed() : all;
  return (
    <div className={statistics === null ? "readout" : "readout with-statistics"}>
      {statistics !== null && <Heads cursor={x !== null} hasTotal={spec.series.some(isRate)} />}
      {rows.map(({ series, own }) => {
        const value = valuesOf(series, slice)[index] ?? null;
        const level = levelAbout(alerts, series.columns);
        return (
          <button
            type="button"
            key={series.label}
            aria-pressed={alone === series.label}
            className={alone !== null && alone !== series.label ? "dimmed" : ""}
            onClick={() => {
              choose(alone === series.label ? null : series.label);
            }}
          >
            <i className={`swatch ${series.colour}`} />
            <span className="label">{series.label}</span>
            <span className={level ?? "value"}>
              <Mark level={level} />
              {spec.format(value)}
            </span>
            {own !== undefined && (
              <>
                <Statistic name="avg">{spec.format(own.average)}</Statistic>
                <Statistic name="max">{spec.format(own.highest)}</Statistic>
                <Statistic name="total">{totalText(spec, series, own, picture)}</Statistic>
              </>
            )}
          </button>
        );
      })}
      {spec.more !== undefined && spec.more > 0 && <div className="more">and {spec.more} more</div>}
    </div>
  );
}

/** The heads of the columns. On a phone they are left out, and each value has its name in front. */
function Heads({ cursor, hasTotal }: { cursor: boolean; hasTotal: boolean }) {
  return (
    <div className="heads" aria-hidden="true">
      <span className="value">{cursor ? "at cursor" : "now"}</span>
      <span className="value">avg</span>
      <span className="value">max</span>
      <span className="value">{hasTotal && "total"}</span>
    </div>
  );
}

function Statistic({ name, children }: { name: string; children: ReactNode }) {
  return (
    <span className="value statistic">
      {children !== "" && <em className="name">{name} </em>}
      {children}
    </span>
  );
}

/** Cells have too many rows for a legend: the highest, the median and the lowest value, each with its core. */
function CellsReadout({ spec, picture, statistics, index }: ReadoutProps & { index: number }) {
  const rank = (values: readonly (number | null | undefined)[]): Cell[] =>
    spec.series
      .map(({ label }, at) => ({ label, value: values[at] ?? null }))
      .filter((cell): cell is Cell => cell.value !== null)
      .sort((one, other) => other.value - one.value);
  const columns = [
    rank(spec.series.map((series) => valuesOf(series, picture.slice)[index])),
    ...(statistics === null
      ? []
      : [
          rank(statistics.map(({ average }) => average)),
          rank(statistics.map(({ highest }) => highest)),
        ]),
  ];
  const places = [
    { name: "busiest", place: () => 0, isOne: true },
    { name: "median", place: (length: number) => Math.floor(length / 2), isOne: false },
    { name: "least busy", place: (length: number) => length - 1, isOne: true },
  ];
  return (
    <div className={statistics === null ? "readout plain" : "readout plain with-statistics"}>
      {statistics !== null && <Heads cursor={false} hasTotal={false} />}
      {places.map(({ name, place, isOne }) => (
        <div key={name}>
          <span className="label">{name}</span>
          {columns.map((ranked, column) => {
            const cell = ranked[place(ranked.length)];
            return (
              <span className="value" key={column}>
                {column > 0 && <em className="name">{column === 1 ? "avg " : "max "}</em>}
                {isOne && cell !== undefined && <em>{cell.label.replace("core ", "")}</em>}
                {cell === undefined ? UNKNOWN : `${fixed(cell.value, 0)} %`}
              </span>
            );
          })}
        </div>
      ))}
    </div>
  );
}

interface Cell {
  readonly label: string;
  readonly value: number;
}
