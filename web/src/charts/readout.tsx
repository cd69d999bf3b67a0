/**
 * The legend, which also shows the values: the newest ones, or those at the cursor, in the order of the stack. A click
 * on a row shows that series alone.
 */
import { fixed, UNKNOWN } from "../format/numbers";
import type { Slice } from "../store/ring";
import { usePage, useStore } from "../store/use-telemetry";
import { indexAt, newestIndex, valuesOf, type ChartSpec } from "./spec";
import "./readout.css";

export interface ReadoutProps {
  readonly spec: ChartSpec;
  readonly slice: Slice;
  /** The label of the series that is shown alone. */
  readonly alone: string | null;
  readonly choose: (label: string | null) => void;
  /** True while the alert of the chart's limit fires. */
  readonly alerted: boolean;
}

export function Readout({ spec, slice, alone, choose, alerted }: ReadoutProps) {
  const { cursor } = usePage();
  const x = useStore(cursor, (at) => at);
  const index = x === null ? newestIndex(slice) : indexAt(slice, x);
  if (spec.kind === "cells") return <CellsReadout spec={spec} slice={slice} index={index} />;
  const rows = spec.kind === "stack" ? spec.series.toReversed() : spec.series;
  return (
    <div className="readout">
      {rows.map((series) => {
        const value = valuesOf(series, slice)[index] ?? null;
        const { limit } = spec;
        const over =
          alerted && limit?.label === series.label && value !== null && value > limit.value;
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
            <span className={over ? "warn" : "value"}>
              {over && <span className="mark">▲</span>}
              {spec.format(value)}
            </span>
          </button>
        );
      })}
      {spec.more !== undefined && spec.more > 0 && <div className="more">and {spec.more} more</div>}
    </div>
  );
}

/** Cells have too many rows for a legend: the highest, the median and the lowest value. */
function CellsReadout({ spec, slice, index }: { spec: ChartSpec; slice: Slice; index: number }) {
  const cores = spec.series
    .map((series) => ({ label: series.label, value: valuesOf(series, slice)[index] ?? null }))
    .filter((core): core is { label: string; value: number } => core.value !== null)
    .sort((one, other) => other.value - one.value);
  const rows = [
    { name: "busiest", core: cores[0], label: cores[0]?.label },
    { name: "median", core: cores[Math.floor(cores.length / 2)], label: undefined },
    { name: "least busy", core: cores.at(-1), label: cores.at(-1)?.label },
  ];
  return (
    <div className="readout plain">
      {rows.map(({ name, core, label }) => (
        <div key={name}>
          <span className="label">{name}</span>
          <span className="value">
            {label !== undefined && <em>{label.replace("core ", "")}</em>}
            {core === undefined ? UNKNOWN : `${fixed(core.value, 0)} %`}
          </span>
        </div>
      ))}
    </div>
  );
}
