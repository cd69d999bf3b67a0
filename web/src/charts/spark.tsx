/** A sparkline: the window in small, hatched where nothing is known. No axis, no unit, one end dot. */
import type { Picture } from "../store/display";
import { gapsOf } from "../store/gaps";

export interface SparkProps {
  readonly picture: Pick<Picture, "slice" | "from" | "to" | "tick">;
  readonly values: readonly (number | null)[];
  /** Drawn quieter, behind. */
  readonly second?: readonly (number | null)[];
  readonly steps?: boolean;
  /** The least span of the y axis, and whether it starts at zero. */
  readonly least?: number;
  readonly fromZero?: boolean;
}

const HEIGHT = 100;

export function Spark({
  picture,
  values,
  second,
  steps = false,
  least = 0,
  fromZero = true,
}: SparkProps) {
  const { slice, from, to, tick } = picture;
  const width = to - from;
  const known = [...values, ...(second ?? [])].filter((value) => value !== null);
  const range = rangeOf(known, least, fromZero);
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
            className="hole"
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
  least: number,
  fromZero: boolean,
): { readonly low: number; readonly high: number } {
  if (known.length === 0) return { low: 0, high: least || 1 };
  const high = Math.max(...known);
  if (fromZero) return { low: 0, high: Math.max(high, least, 1e-9) };
  const low = Math.min(...known);
  const missing = Math.max(0, (least || Math.abs(high) * 0.02 || 1) - (high - low));
  return { low: low - missing / 2, high: high + missing / 2 };
}

export function pathOf(
  x: readonly number[],
  values: readonly (number | null)[],
  from: number,
  y: (value: number) => number,
  steps: boolean,
): string {
  let path = "";
  let down = false;
  values.forEach((value, index) => {
    const at = x[index];
    if (value === null || at === undefined) {
      down = false;
      return;
    }
    const px = (at - from).toFixed(1);
    const py = y(value).toFixed(1);
    if (!down) path += `M${px} ${py}`;
    else path += steps ? `H${px}V${py}` : `L${px} ${py}`;
    down = true;
  });
  return path;
}
