/** From a slice of the ring to what uPlot draws: columns on one x axis, stacked where the chart is a stack. Pure. */
import type { Slice } from "../store/ring";
import { byteUnit, roundByteTop, roundTop } from "./scale";
import { valuesOf, type ChartSpec } from "./spec";

export interface PlotData {
  readonly x: number[];
  /** Null where nothing is known. */
  readonly columns: (number | null)[][];
  /** Of a stack: the mean of each series before stacking, because thin layers are filled without an edge. */
  readonly means: readonly number[];
  readonly highest: number;
}

/** Return the data to draw. `alone` is the label of the only series to draw; null draws all. */
export function plotData(spec: ChartSpec, slice: Slice, alone: string | null): PlotData {
  if (spec.kind === "cells") {
    return { x: slice.x, columns: [slice.x.map(() => null)], means: [], highest: 0 };
  }
  const columns: (number | null)[][] = [];
  const means: number[] = [];
  let highest = 0;
  let base: (number | null)[] | null = null;
  for (const series of spec.series) {
    const hidden = (alone !== null && alone !== series.label) || series.colour === "free";
    const values: (number | null)[] = hidden ? slice.x.map(() => null) : valuesOf(series, slice);
    means.push(spec.kind === "stack" ? meanOf(values) : 0);
    let drawn = values;
    if (spec.kind === "stack" && !hidden) {
      const below: (number | null)[] | null = base;
      drawn = values.map((value, index) => (value === null ? null : value + (below?.[index] ?? 0)));
      base = drawn;
    }
    for (const value of drawn) if (value !== null && value > highest) highest = value;
    columns.push(drawn);
  }
  return { x: slice.x, columns, means, highest };
}

export interface YAxis {
  readonly top: number;
  /** For the title; the ticks are bare numbers in this unit. */
  readonly unit: string;
}

export function yAxisOf(spec: ChartSpec, highest: number): YAxis {
  const top =
    spec.full ?? (spec.bytes === true ? roundByteTop(highest) : roundTop(highest, spec.floor ?? 1));
  return { top, unit: spec.bytes === true ? `${byteUnit(top).name}${spec.unit}` : spec.unit };
}

function meanOf(values: readonly (number | null)[]): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (value === null) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? 0 : sum / count;
}
