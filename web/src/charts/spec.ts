/** What a chart is: which columns it draws, how, and how its numbers are written. Data, no drawing. */
import type { Slice } from "../store/ring";

export type Colour = "s1" | "s2" | "s3" | "s4" | "s5" | "s6" | "s7" | "s8" | "free";

export interface SeriesSpec {
  readonly label: string;
  /** Added up, or the greatest of them; unknown when the first is. */
  readonly columns: readonly string[];
  readonly join?: "sum" | "max";
  readonly colour: Colour;
}

export interface ChartSpec {
  /** Place on the page; load and heat take the places of pressure and disk while in focus. */
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly kind: "stack" | "lines" | "steps" | "cells";
  readonly series: readonly SeriesSpec[];
  /** Full scale, when there is one: 100 %, all of memory. */
  readonly full?: number;
  /** The least top of a scale that follows its data. */
  readonly floor?: number;
  readonly bytes?: boolean;
  readonly format: (value: number | null) => string;
  /** A dotted line, drawn only once it was crossed, and the series it applies to. */
  readonly limit?: { readonly value: number; readonly label: string };
  readonly facets: readonly string[];
  readonly facet: string;
  /** How many more there were than can be told apart. */
  readonly more?: number;
}

export const COLOURS: readonly Colour[] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];

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

/** The slot at `x`, or the nearest within one and a half ticks; -1 when there is none. */
export function indexAt(slice: Slice, x: number, tick: number): number {
  let best = -1;
  let distance = 1.5 * tick;
  for (const [index, at] of slice.x.entries()) {
    if (Math.abs(at - x) > distance) continue;
    best = index;
    distance = Math.abs(at - x);
  }
  return best;
}

/** The newest slot that a sample stands at; -1 when the span is all hole. */
export function newestIndex(slice: Slice): number {
  return slice.known.lastIndexOf(true);
}
