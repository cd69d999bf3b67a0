/** The last five minutes of one value. It is drawn every five samples, one point for each five. */
import { memo } from "react";

import { pathOf } from "../charts/spark";
import { POINTS } from "./sparklines";

const PER_POINT = 5;
const WIDTH = POINTS / PER_POINT;
const HEIGHT = 100;
const X = Array.from({ length: WIDTH }, (_, index) => index);

export interface HostSparkProps {
  /** Oldest first; null: not loaded yet. */
  readonly values: readonly (number | null)[] | null;
  /** Changes when `values` does, because they stay the same list. */
  readonly version: number;
  /** Percentages have a fixed scale. */
  readonly isPercentage: boolean;
}

export const HostSpark = memo(
  ({ values, isPercentage }: HostSparkProps) => {
    if (values === null) return null;
    return (
      <svg
        className="host-spark data"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <path d={sparkPath(values, isPercentage)} />
      </svg>
    );
  },
  (before, after) =>
    before.values === after.values &&
    before.isPercentage === after.isPercentage &&
    Math.floor(before.version / PER_POINT) === Math.floor(after.version / PER_POINT),
);

/** Return the path of the means of five values each, the newest at the right. Where all five are unknown, it has a gap. */
export function sparkPath(values: readonly (number | null)[], isPercentage: boolean): string {
  const means: (number | null)[] = [];
  for (let end = values.length; end > 0; end -= PER_POINT) {
    const known = values.slice(Math.max(0, end - PER_POINT), end).filter((value) => value !== null);
    means.unshift(known.length === 0 ? null : known.reduce((sum, one) => sum + one) / known.length);
  }
  const highest = isPercentage ? 100 : Math.max(1, ...means.map((mean) => mean ?? 0));
  const padded = [...Array<null>(Math.max(0, WIDTH - means.length)).fill(null), ...means];
  return pathOf(X, padded, 0, (value) => HEIGHT - (value / highest) * (HEIGHT - 8) - 4, false);
}
