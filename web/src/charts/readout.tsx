/** The legend is the readout: values of now, or at the cursor, in stack order. A row picks its series. */
import { fixed } from "../format/numbers";
import type { Slice } from "../store/ring";
import { useSession, useStore } from "../store/use-telemetry";
import { indexAt, newestIndex, valuesOf, type ChartSpec } from "./spec";

export interface ReadoutProps {
  readonly spec: ChartSpec;
  readonly slice: Slice;
  readonly tick: number;
  readonly alone: string | null;
  readonly pick: (label: string | null) => void;
  readonly warned: boolean;
}

export function Readout({ spec, slice, tick, alone, pick, warned }: ReadoutProps) {
  const { cursor } = useSession();
  const x = useStore(cursor, (at) => at);
  const index = x === null ? newestIndex(slice) : indexAt(slice, x, tick);
  if (spec.kind === "cells") return <CoresReadout spec={spec} slice={slice} index={index} />;
  const rows = spec.kind === "stack" ? spec.series.toReversed() : spec.series;
  return (
    <div className="read">
      {rows.map((series) => {
        const value = valuesOf(series, slice)[index] ?? null;
        const over =
          warned &&
          spec.limit?.label === series.label &&
          value !== null &&
          value > spec.limit.value;
        return (
          <button
            type="button"
            key={series.label}
            aria-pressed={alone === series.label}
            className={alone !== null && alone !== series.label ? "off" : ""}
            onClick={() => {
              pick(alone === series.label ? null : series.label);
            }}
          >
            <i className={`key ${series.colour}`} />
            <span className="label">{series.label}</span>
            <span className={over ? "w" : "val"}>
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

/** Many cores are a picture, not a legend: the busiest, the middle and the idlest are words enough. */
function CoresReadout({ spec, slice, index }: { spec: ChartSpec; slice: Slice; index: number }) {
  const cores = spec.series
    .map((series) => ({ label: series.label, value: valuesOf(series, slice)[index] ?? null }))
    .filter((core): core is { label: string; value: number } => core.value !== null)
    .sort((one, other) => other.value - one.value);
  const middle = cores[Math.floor(cores.length / 2)];
  const lines = [cores[0], middle, cores.at(-1)].map((core, place) => ({
    ...core,
    name: ["busiest", "median", "idlest"][place],
  }));
  return (
    <div className="read plain">
      {lines.map(({ name, label, value }) => (
        <div key={name}>
          <span className="label">{name}</span>
          <span className="val">
            {label !== undefined && name !== "median" && <em>{label.replace("core ", "")}</em>}
            {value === undefined ? "–" : `${fixed(value, 0)} %`}
          </span>
        </div>
      ))}
    </div>
  );
}
