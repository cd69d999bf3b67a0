/**
 * Average, extremes and total of the values in the visible window. Each value counts for the time that its slot
 * describes, cut to the window. Gaps and unknown values do not count. Pure.
 */
import { bytesText, count } from "../format/numbers";
import type { Picture } from "../store/display";
import type { Slice } from "../store/ring";
import { isRate, valuesOf, type ChartSpec, type SeriesSpec } from "./spec";

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Null where nothing is known in the window. */
export interface Statistics {
  readonly average: number | null;
  readonly lowest: number | null;
  readonly highest: number | null;
  /** Value times seconds: the amount that a rate adds up to in the known time. */
  readonly total: number | null;
  readonly knownSeconds: number;
}

export function statisticsOf(
  values: readonly (number | null)[],
  { x, spans }: Pick<Slice, "x" | "spans">,
  { from, to }: Span,
): Statistics {
  let [total, knownSeconds, lowest, highest] = [0, 0, Infinity, -Infinity];
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? null;
    const end = x[index] ?? from;
    const seconds = Math.min(end, to) - Math.max(end - (spans[index] ?? 0), from);
    if (value === null || !(seconds > 0)) continue;
    total += value * seconds;
    knownSeconds += seconds;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  if (knownSeconds === 0) {
    return { average: null, lowest: null, highest: null, total: null, knownSeconds };
  }
  return { average: total / knownSeconds, lowest, highest, total, knownSeconds };
}

/** Return those of each series of a chart. */
export function statisticsOfChart(spec: ChartSpec, picture: Picture): Statistics[] {
  const { ring, from, to } = picture;
  // A window that was zoomed to can end within a slot, whose time is then after the window.
  const isInPast = (ring.newestX ?? to) > to;
  const slice = isInPast ? ring.slice(from, Infinity) : picture.slice;
  return spec.series.map((series) => statisticsOf(valuesOf(series, slice), slice, picture));
}

/** Return whether the values of nearly the whole window are known. Else the total of a rate is too low. */
export function isWhole({ knownSeconds }: Statistics, { from, to }: Span, tick: number): boolean {
  return knownSeconds >= to - from - 1.5 * tick;
}

/** `20.3 GiB`, `≥ 20.3 GiB` where a part of the window is not known, and nothing for a series that is no rate. */
export function totalText(
  spec: ChartSpec,
  series: SeriesSpec,
  statistics: Statistics,
  picture: Span & { readonly tick: number },
): string {
  if (!isRate(series)) return "";
  const amount = spec.bytes === true ? bytesText(statistics.total) : count(statistics.total);
  const isLow = statistics.total !== null && !isWhole(statistics, picture, picture.tick);
  return isLow ? `≥\u00a0${amount}` : amount;
}
