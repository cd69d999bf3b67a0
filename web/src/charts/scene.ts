/**
 * The content of a chart's canvas, and the drawing that uPlot does not do itself: hatching, alerts, the time at the
 * right edge. Functions of their arguments only.
 */
import type uPlot from "uplot";

import { clock } from "../format/time";
import type { Alert, Level } from "../store/alerts";
import type { Gap } from "../store/gaps";
import type { Slice } from "../store/ring";
import type { Palette } from "./palette";
import { byteUnit } from "./scale";
import type { LabelledSpike } from "./spikes";
import type { ChartSpec } from "./spec";

export interface Scene {
  readonly spec: ChartSpec;
  readonly palette: Palette;
  readonly slice: Slice;
  readonly gaps: readonly Gap[];
  /** The times at which the server restarted. */
  readonly restarts: readonly number[];
  readonly tick: number;
  readonly top: number;
  /** The time at the right edge. */
  readonly to: number;
  /** By series: true if its layer is too thin for an edge. */
  readonly thin: readonly boolean[];
  readonly spikes: readonly LabelledSpike[];
  /** About what the chart shows, in its span of time. */
  readonly alerts: readonly Alert[];
  readonly hatch: CanvasPattern | null;
}

/** Properties that do not change during the life of a uPlot instance. */
export interface Frame {
  /** CSS pixels per sixteenth of a rem. */
  readonly scale: number;
  readonly phone: boolean;
  /** The first chart states how long a gap is; the last one, what the time is. */
  readonly first: boolean;
  readonly last: boolean;
}

const MIN_GAP_LABEL_WIDTH = 46;

/** One for all charts. */
let kept: { readonly key: string; readonly hatch: CanvasPattern | null } | null = null;

export function hatchOf(
  context: CanvasRenderingContext2D,
  colour: string,
  scale: number,
): CanvasPattern | null {
  const key = `${colour} ${scale}`;
  if (kept?.key !== key) kept = { key, hatch: makeHatch(context, colour, scale) };
  return kept.hatch;
}

function makeHatch(
  context: CanvasRenderingContext2D,
  colour: string,
  scale: number,
): CanvasPattern | null {
  const size = Math.max(4, Math.round(8 * scale));
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  if (pen === null) return null;
  pen.strokeStyle = colour;
  pen.lineWidth = Math.max(1, scale);
  pen.beginPath();
  // Three lines, so that the corners of neighbouring tiles meet.
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 1, size + 1);
    pen.lineTo(shift + size + 1, -1);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

export function drawGaps(plot: uPlot, scene: Scene): void {
  const { ctx, bbox } = plot;
  if (scene.hatch === null) return;
  ctx.fillStyle = scene.hatch;
  for (const { left, width } of spans(plot, scene.gaps))
    ctx.fillRect(left, bbox.top, width, bbox.height);
}

export function drawBaseLine(plot: uPlot, { palette }: Scene): void {
  const { ctx, bbox } = plot;
  ctx.fillStyle = palette.line2;
  const height = Math.max(1, Math.round(devicePixelRatio));
  ctx.fillRect(bbox.left, Math.round(bbox.top + bbox.height), bbox.width, height);
}

/** In sixteenths of a rem: the more severe, the thicker. */
const BARS: Readonly<Record<Level, number>> = { critical: 5, warn: 3, info: 1.5 };

/**
 * Draw a bar at the top of the plot while an alert fires, with a dotted line where it began; and a line where the server
 * restarted.
 */
export function drawMarks(plot: uPlot, scene: Scene, { scale }: Frame): void {
  const { ctx, bbox } = plot;
  const px = scale * devicePixelRatio;
  ctx.lineWidth = Math.max(1, devicePixelRatio);
  for (const { level, sinceUnix, untilUnix } of scene.alerts.toReversed()) {
    const [bar] = spans(plot, [{ from: sinceUnix, to: untilUnix ?? scene.to }]);
    if (bar === undefined) continue;
    ctx.fillStyle = ctx.strokeStyle = scene.palette[level];
    ctx.fillRect(bar.left, bbox.top, Math.max(bar.width, 2 * px), BARS[level] * px);
    if (bar.left <= bbox.left) continue; // it began before
    const x = Math.round(bar.left) + 0.5;
    ctx.setLineDash([2 * px, 4 * px]);
    line(ctx, [x, bbox.top], [x, bbox.top + bbox.height]);
    ctx.setLineDash([]);
  }
  ctx.strokeStyle = scene.palette.ink3;
  for (const at of scene.restarts) {
    const x = Math.round(plot.valToPos(at, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    line(ctx, [x, bbox.top], [x, bbox.top + bbox.height]);
  }
}

export function drawTexts(plot: uPlot, scene: Scene, frame: Frame): void {
  const { ctx, bbox } = plot;
  const px = devicePixelRatio * frame.scale;
  ctx.font = `${11 * px}px ${scene.palette.font}`;
  ctx.textBaseline = "alphabetic";
  if (frame.first) {
    drawGapLabels(plot, scene, px);
    drawRestartLabels(plot, scene, px);
  }
  if (frame.phone && scene.spec.kind !== "cells") drawTicksInside(plot, scene, px);
  if (frame.last) {
    ctx.textAlign = "right";
    ctx.fillStyle = scene.palette.ink2;
    ctx.fillText(clock(scene.to), bbox.left + bbox.width, bbox.top + bbox.height + 12.5 * px);
  }
}

/** Draw `no data 40 s` above each gap that is wide enough. */
function drawGapLabels(plot: uPlot, { palette, gaps, tick }: Scene, px: number): void {
  const { ctx, bbox } = plot;
  ctx.textAlign = "center";
  ctx.fillStyle = palette.ink2;
  for (const { from, to, left, width } of spans(plot, gaps)) {
    if (width < MIN_GAP_LABEL_WIDTH * px) continue;
    const label = `no data ${Math.max(1, Math.round(to - from - tick))} s`;
    const half = ctx.measureText(label).width / 2;
    const middle = Math.min(bbox.left + bbox.width - half, left + width / 2);
    ctx.fillText(label, middle, bbox.top - 6 * px);
  }
}

function drawRestartLabels(plot: uPlot, { palette, restarts }: Scene, px: number): void {
  const { ctx, bbox } = plot;
  ctx.textAlign = "right";
  ctx.fillStyle = palette.ink3;
  for (const at of restarts) {
    const x = plot.valToPos(at, "x", true);
    if (x > bbox.left && x <= bbox.left + bbox.width)
      ctx.fillText("restarted", x - 4 * px, bbox.top + 11 * px);
  }
}

/** Draw the labels in the plot: on a phone there is no space beside it. */
function drawTicksInside(plot: uPlot, { spec, palette, top }: Scene, px: number): void {
  const { ctx, bbox } = plot;
  const half = top / 2;
  ctx.fillStyle = palette.ink3;
  ctx.textAlign = "left";
  ctx.fillText(tickText(spec, half, top), bbox.left, plot.valToPos(half, "y", true) - 3 * px);
  ctx.textAlign = "right";
  ctx.fillText(tickText(spec, top), bbox.left + bbox.width, bbox.top - 6 * px);
}

/** Return a bare number. The title has the unit. */
export function tickText({ bytes }: ChartSpec, value: number, top = value): string {
  const { size } = bytes === true ? byteUnit(top) : { size: 1 };
  const scaled = value / size;
  const digits = scaled >= 10 ? 0 : top / size >= 10 ? 1 : 2;
  return String(Number(scaled.toFixed(digits)));
}

/** Return each gap with its left edge and width on the canvas, cut to the plot. */
function spans(plot: uPlot, gaps: readonly Gap[]): (Gap & { left: number; width: number })[] {
  const { bbox } = plot;
  const positionOf = (value: number): number =>
    Math.max(bbox.left, Math.min(bbox.left + bbox.width, plot.valToPos(value, "x", true)));
  return gaps.map((gap) => {
    const left = positionOf(gap.from);
    return { ...gap, left, width: positionOf(gap.to) - left };
  });
}

type Point = readonly [x: number, y: number];

function line(context: CanvasRenderingContext2D, from: Point, to: Point): void {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}
