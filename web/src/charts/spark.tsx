/** A sparkline: the window without axes and units, hatched where values are unknown, with a dot at the newest value. */
import type { Picture } from "../store/display";
import { gapsOf } from "../store/gaps";
import "./spark.css";

export interface SparkProps {
  readonly picture: Pick<Picture, "slice" | "from" | "to" | "tick">;
  readonly values: readonly (number | null)[];
  /** Drawn behind `values`, fainter. */
  readonly second?: readonly (number | null)[];
  readonly steps?: boolean;
  /** The smallest range of the y axis, and whether it starts at zero. */
  readonly minSpan?: number;
  readonly fromZero?: boolean;
}

const HEIGHT = 100;

export function Spark({
  picture,
  values,
  second,
  steps = false,
  minSpan = 0,
  fromZero = true,
}: SparkProps) {
  const { slice, from, to, tick } = picture;
  const width = to - from;
  const known = [...values, ...(second ?? [])].filter((value) => value !== null);
  const range = rangeOf(known, minSpan, fromZero);
  const y = (value: number): number =>
    HEIGHT - ((value - range.low) / (range.high - range.low)) * (HEIGHT - 6) - 2;
  const draw = (column: readonly (number | null)[]): string =>
    pathOf(slice.x, column, from, y, steps);
  const end = values.findLastIndex((value) => value !== null);
  const endX = slice.x[end];
  const endValue = values[end];
  return (
    <div className="spark">
      {(slice.x.length === 0 ? [] : gapsOf(slice, to, tick)).map((gap) => {
        const left = Math.max(0, (gap.from - from) / width);
        const right = Math.min(1, (gap.to - from) / width);
        return (
          <div
            className="gap"
            key={gap.from}
            style={{ left: `${left * 100}%`, width: `${Math.max(0, right - left) * 100}%` }}
          />
        );
      })}
      <svg
        className="data"
        viewBox={`0 0 ${width} ${HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {second && <path className="second" d={draw(second)} />}
        <path d={draw(values)} />
      </svg>
      {endX !== undefined && endValue != null && (
        <div
          className="dot data"
          style={{ left: `${((endX - from) / width) * 100}%`, top: `${y(endValue)}%` }}
        />
      )}
    </div>
  );
}

export function rangeOf(
  known: readonly number[],
  minSpan: number,
  fromZero: boolean,
): { readonly low: number; readonly high: number } {
  if (known.length === 0) return { low: 0, high: minSpan || 1 };
  const high = Math.max(...known);
  if (fromZero) return { low: 0, high: Math.max(high, minSpan, 1e-9) };
  const low = Math.min(...known);
  const missing = Math.max(0, (minSpan || Math.abs(high) * 0.02 || 1) - (high - low));
  return { low: low - missing / 2, high: high + missing / 2 };
}

/** Return an SVG path with a break at each unknown value. */
export function pathOf(
  x: readonly number[],
  values: readonly (number | null)[],
  from: number,
  y: (value: number) => number,
  steps: boolean,
): string {
  let path = "";
  let drawing = false;
  values.forEach((value, index) => {
    const at = x[index];
    if (value === null || at === undefined) {
      drawing = false;
      return;
    }
    const left = (at - from).toFixed(1);
    const top = y(value).toFixed(1);
    if (!drawing) path += `M${left} ${top}`;
    else path += steps ? `H${left}V${top}` : `L${left} ${top}`;
    drawing = true;
  });
  return path;
}
