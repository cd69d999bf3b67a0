/**
 * What a chart's canvas shows at the moment, and the parts of it that uPlot does not draw itself:
 * hatch, limit, cells, the time at the right edge. Functions of their arguments only.
 */
import type uPlot from "uplot";

import { clock } from "../format/time";
import type { Gap } from "../store/gaps";
import type { Slice } from "../store/ring";
import { withAlpha, type Palette } from "./palette";
import { byteUnit } from "./scale";
import { valuesOf, type ChartSpec } from "./spec";

export interface Scene {
  spec: ChartSpec;
  palette: Palette;
  slice: Slice;
  gaps: readonly Gap[];
  restarts: readonly number[];
  tick: number;
  top: number;
  /** Written under the axis at its right end. */
  to: number;
  thin: readonly boolean[];
  crossed: boolean;
  hatch: CanvasPattern | null;
}

/** What stays the same as long as the chart stands. `k` is CSS pixels per sixteenth of a rem. */
export interface Frame {
  readonly k: number;
  readonly phone: boolean;
  /** Only the first chart says how long a hole is, only the last what the time is. */
  readonly first: boolean;
  readonly last: boolean;
}

export function makeHatch(
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

export function drawGaps(u: uPlot, scene: Scene): void {
  const { ctx, bbox } = u;
  if (scene.hatch === null) return;
  ctx.fillStyle = scene.hatch;
  for (const [left, width] of spans(u, scene.gaps))
    ctx.fillRect(left, bbox.top, width, bbox.height);
}

export function drawBase(u: uPlot, { palette }: Scene): void {
  const { ctx, bbox } = u;
  ctx.fillStyle = palette.line2;
  ctx.fillRect(
    bbox.left,
    Math.round(bbox.top + bbox.height),
    bbox.width,
    Math.max(1, Math.round(devicePixelRatio)),
  );
}

export function drawCells(u: uPlot, { spec, slice, palette, tick }: Scene): void {
  const { ctx, bbox } = u;
  const rows = spec.series.length;
  if (spec.kind !== "cells" || rows === 0) return;
  const height = bbox.height / rows;
  const gutter = height > 6 ? Math.max(1, Math.round(height * 0.12)) : 0;
  spec.series.forEach((series, row) => {
    const values = valuesOf(series, slice);
    const y = bbox.top + bbox.height - (row + 1) * height;
    values.forEach((value, index) => {
      const x = slice.x[index];
      if (value === null || x === undefined) return;
      const right = Math.min(bbox.left + bbox.width, u.valToPos(x, "x", true));
      const left = Math.max(bbox.left, u.valToPos(x - tick, "x", true));
      ctx.fillStyle = palette.heat[Math.min(7, Math.floor(value / 12.5))] ?? palette.line;
      ctx.fillRect(Math.floor(left), y, Math.ceil(right) - Math.floor(left), height - gutter);
    });
  });
}

export function drawMarks(u: uPlot, scene: Scene, { k }: Frame): void {
  const { ctx, bbox } = u;
  const px = devicePixelRatio;
  ctx.lineWidth = Math.max(1, px);
  if (scene.crossed && scene.spec.limit !== undefined) {
    const y = Math.round(u.valToPos(scene.spec.limit.value, "y", true)) + 0.5;
    ctx.strokeStyle = withAlpha(scene.palette.warn, 0.8);
    ctx.setLineDash([2 * k * px, 4 * k * px]);
    line(ctx, bbox.left, y, bbox.left + bbox.width, y);
    ctx.setLineDash([]);
  }
  ctx.strokeStyle = scene.palette.ink3;
  for (const at of scene.restarts) {
    const x = Math.round(u.valToPos(at, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    line(ctx, x, bbox.top, x, bbox.top + bbox.height);
  }
}

export function drawWords(u: uPlot, scene: Scene, frame: Frame): void {
  const { ctx, bbox } = u;
  const px = devicePixelRatio * frame.k;
  const right = bbox.left + bbox.width;
  const bottom = bbox.top + bbox.height;
  ctx.font = `${11 * px}px ${scene.palette.font}`;
  ctx.textBaseline = "alphabetic";
  if (frame.first) {
    ctx.textAlign = "center";
    ctx.fillStyle = scene.palette.ink2;
    scene.gaps.forEach((gap, index) => {
      const span = spans(u, scene.gaps)[index];
      if (span === undefined || span[1] < 46 * px) return;
      const seconds = Math.max(1, Math.round(gap.to - gap.from - scene.tick));
      const words = `no data ${seconds} s`;
      const half = ctx.measureText(words).width / 2;
      const middle = Math.min(right - half, span[0] + span[1] / 2);
      ctx.fillText(words, middle, bbox.top - 6 * px);
    });
  }
  if (frame.first) {
    ctx.textAlign = "right";
    ctx.fillStyle = scene.palette.ink3;
    for (const at of scene.restarts) {
      const x = u.valToPos(at, "x", true);
      if (x > bbox.left && x <= right) ctx.fillText("restarted", x - 4 * px, bbox.top + 11 * px);
    }
  }
  if (frame.phone) {
    ctx.fillStyle = scene.palette.ink3;
    const half = scene.top / 2;
    ctx.textAlign = "left";
    if (scene.spec.kind !== "cells") {
      ctx.fillText(
        tickText(scene.spec, half, scene.top),
        bbox.left,
        u.valToPos(half, "y", true) - 3 * px,
      );
    }
    ctx.textAlign = "right";
    if (scene.spec.kind !== "cells")
      ctx.fillText(tickText(scene.spec, scene.top), right, bbox.top - 6 * px);
  }
  if (frame.last) {
    ctx.textAlign = "right";
    ctx.fillStyle = scene.palette.ink2;
    ctx.fillText(clock(scene.to), right, bottom + 12.5 * px);
  }
}

/** A bare number: the unit of the axis stands in the title. */
export function tickText({ bytes }: ChartSpec, value: number, top = value): string {
  const { size } = bytes === true ? byteUnit(top) : { size: 1 };
  const scaled = value / size;
  const digits = scaled >= 10 ? 0 : top / size >= 10 ? 1 : 2;
  return String(Number(scaled.toFixed(digits)));
}

/** Left and width of each gap on the canvas, cut to the plot. */
function spans(u: uPlot, gaps: readonly Gap[]): [number, number][] {
  const { bbox } = u;
  const clampX = (value: number): number =>
    Math.max(bbox.left, Math.min(bbox.left + bbox.width, u.valToPos(value, "x", true)));
  return gaps.map(({ from, to }) => {
    const left = clampX(from);
    return [left, clampX(to) - left];
  });
}

function line(
  context: CanvasRenderingContext2D,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
