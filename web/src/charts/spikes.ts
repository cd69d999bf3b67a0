/**
 * The few points of a chart that deserve a label: short rises far above the level of the window. Pure.
 *
 * Strategy. The level is the median, and the noise is the median distance from it: a short rise changes neither. A point
 * belongs to a spike if it is above the level by several times the noise and by a fifth of the scale, so that nothing
 * small is labelled. Where many points do, the values have changed for longer, which is no spike.
 */
import { clock } from "../format/time";
import type { PlotData } from "./plot-data";
import type { Span } from "./statistics";
import type { ChartSpec } from "./spec";

/** A quantity whose spikes are labelled, at the height at which the chart draws it. */
export interface Curve {
  /** The label of its series; null: the sum of a stack. */
  readonly label: string | null;
  readonly values: readonly (number | null)[];
}

export interface Spike {
  readonly x: number;
  readonly value: number;
  readonly label: string | null;
}

/** A spike with the processes of its moment, where they are known. */
export interface LabelledSpike extends Spike {
  /** `44 %` */
  readonly text: string;
  readonly processes: readonly string[];
}

const MAX_SPIKES = 3;
/** With fewer values, the level of the window is a guess. */
const MIN_VALUES = 20;
const MIN_NOISE = 6;
const MIN_SHARE_OF_SCALE = 0.2;
/** Of the points in the window that belong to spikes. */
const MAX_SHARE_OF_POINTS = 0.2;
/** Of the window, between two spikes. */
const MIN_DISTANCE = 0.15;

/**
 * Return the main curve of a chart: that of `spec.main`, else the top of a stack, else the series with the highest value
 * in the window. The series that is drawn alone is always the main one. Null for cells, and where nothing is drawn.
 */
export function mainCurve(
  spec: ChartSpec,
  { x, columns }: PlotData,
  alone: string | null,
  window: Span,
): Curve | null {
  if (spec.kind === "cells") return null;
  const curves = spec.series.flatMap(({ label, colour }, at) =>
    colour === "free" ? [] : [{ label, values: columns[at] ?? [] }],
  );
  const chosen = alone ?? spec.main;
  if (chosen !== undefined) return curves.find(({ label }) => label === chosen) ?? null;
  const top = curves.at(-1);
  if (spec.kind === "stack") return top === undefined ? null : { ...top, label: null };
  const highest = ({ values }: Curve): number =>
    values.reduce<number>(
      (most, value, at) => (value !== null && isIn(window, x[at]) && value > most ? value : most),
      -Infinity,
    );
  return curves.reduce<Curve | null>(
    (best, one) => (best === null || highest(one) > highest(best) ? one : best),
    null,
  );
}

/** Return the spikes of a curve, the highest one first. `top` is the top of the scale. */
export function spikesOf(
  { label, values }: Curve,
  x: readonly number[],
  window: Span,
  top: number,
): Spike[] {
  const points = values.flatMap((value, at): Spike[] =>
    value !== null && isIn(window, x[at]) ? [{ x: x[at] ?? 0, value, label }] : [],
  );
  if (points.length < MIN_VALUES) return [];
  const level = medianOf(points.map(({ value }) => value));
  const noise = medianOf(points.map(({ value }) => Math.abs(value - level)));
  const threshold = level + Math.max(MIN_NOISE * noise, MIN_SHARE_OF_SCALE * top);
  const high = points.filter(({ value }) => value > threshold);
  if (high.length > MAX_SHARE_OF_POINTS * points.length) return [];
  high.sort((one, other) => other.value - one.value);
  const spikes: Spike[] = [];
  for (const point of high) {
    const isSeparate = spikes.every(
      (spike) =>
        Math.abs(spike.x - point.x) >= MIN_DISTANCE * (window.to - window.from) &&
        lowestBetween(points, spike.x, point.x) < threshold,
    );
    if (isSeparate) spikes.push(point);
    if (spikes.length === MAX_SPIKES) break;
  }
  return spikes;
}

/** `44 % at 14:03:08, restic 96 %, postgres 42 %` */
export function spikeText({ label, text, x, processes }: LabelledSpike): string {
  return [`${label === null ? "" : `${label} `}${text} at ${clock(x)}`, ...processes].join(", ");
}

function isIn({ from, to }: Span, x: number | undefined): boolean {
  return x !== undefined && x >= from && x <= to;
}

function lowestBetween(points: readonly Spike[], one: number, other: number): number {
  const [from, to] = [Math.min(one, other), Math.max(one, other)];
  return Math.min(...points.filter(({ x }) => x >= from && x <= to).map(({ value }) => value));
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
