/** The description of a chart: its columns, the way they are drawn, the format of its values. Nothing is drawn here. */
import type { Slice } from "../store/ring";

export type Colour = "s1" | "s2" | "s3" | "s4" | "s5" | "s6" | "s7" | "s8" | "free";

/**
 * The colour of a series follows its role, the same on every chart: s1 in, received, read, used, user; s2 out, sent,
 * written, system; s3 waiting; s5 steal; s8 irq. `free` is not drawn.
 */
export interface SeriesSpec {
  readonly label: string;
  readonly columns: readonly string[];
  /** The way in which several columns become one value. By default their sum, unknown when the first column is. */
  readonly join?: "sum" | "max";
  readonly colour: Colour;
}

export interface ChartSpec {
  readonly name: string;
  /** The key of the explanation of its name. */
  readonly explains?: string;
  readonly unit: string;
  /** `cells`: a row of coloured cells per series. */
  readonly kind: "stack" | "lines" | "steps" | "cells";
  readonly series: readonly SeriesSpec[];
  /** The top of the scale, where it is fixed: 100 %, all of memory. */
  readonly full?: number;
  /** The lowest top of a scale that follows its data. */
  readonly floor?: number;
  readonly bytes?: boolean;
  readonly format: (value: number | null) => string;
  /** The label of the series whose spikes are labelled, in a stack the lowest one. By default see `mainCurve`. */
  readonly main?: string;
  /** The number of series that are left out because there are not enough colours. */
  readonly more?: number;
}

export const COLOURS: readonly Colour[] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];

/** Return the number of series that uPlot draws. Cells are drawn without it, but it needs a series for its axis. */
export function plottedCount({ kind, series }: ChartSpec): number {
  return kind === "cells" ? 1 : series.length;
}

/** Return a series of one column. */
export function oneSeries(label: string, column: string, colour: Colour): SeriesSpec {
  return { label, columns: [column], colour };
}

/** Return whether the series is a rate. Its total over a time is an amount, for example of bytes. */
export function isRate({ columns, join }: SeriesSpec): boolean {
  return join !== "max" && columns.every((name) => name.endsWith("_per_second"));
}

export function valuesOf(series: SeriesSpec, slice: Slice): (number | null)[] {
  const [first, ...rest] = series.columns.map((name) => slice.column(name));
  if (first === undefined) return [];
  if (rest.length === 0) return first;
  return first.map((value, index) => {
    const others = rest.map((column) => column[index] ?? null);
    if (series.join === "max") {
      const known = [value, ...others].filter((item) => item !== null);
      return known.length === 0 ? null : Math.max(...known);
    }
    return value === null ? null : others.reduce<number>((sum, other) => sum + (other ?? 0), value);
  });
}

/** Return the slot nearest to `x`, within one and a half of the time that it describes; -1 when there is none. */
export function indexAt(slice: Pick<Slice, "x" | "spans">, x: number): number {
  let nearest = -1;
  let distance = Infinity;
  for (const [index, at] of slice.x.entries()) {
    const away = Math.abs(at - x);
    if (away > distance) continue;
    nearest = index;
    distance = away;
  }
  return distance <= 1.5 * (slice.spans[nearest] ?? 0) ? nearest : -1;
}

/** Return the newest slot that has a sample; -1 when none has. */
export function newestIndex(slice: Slice): number {
  return slice.known.lastIndexOf(true);
}
