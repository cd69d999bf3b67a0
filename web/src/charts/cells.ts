/**
 * Draws the cells of a chart: a row per series, a cell per slot. 256 cores have 77 000 cells in five minutes, so they are
 * written as pixels of an image, with a line of the image for each row, and the image is drawn at once.
 */
import type uPlot from "uplot";

import type { Scene } from "./scene";
import { valuesOf } from "./spec";

const PERCENT_PER_HEAT_STEP = 12.5;
/** Rows that are higher than this have a gutter between them. */
const MIN_GUTTER_HEIGHT = 6;

let scratch: HTMLCanvasElement | null = null;

export function drawCells(plot: uPlot, { spec, slice, palette }: Scene): void {
  const { ctx, bbox } = plot;
  const width = Math.round(bbox.width);
  const rows = spec.series.map((series) => valuesOf(series, slice));
  if (spec.kind !== "cells" || rows.length === 0 || width <= 0) return;
  const column = (x: number): number =>
    Math.max(0, Math.min(width, plot.valToPos(x, "x", true) - bbox.left));
  const left = slice.x.map((x, index) => Math.floor(column(x - (slice.spans[index] ?? 0))));
  const right = slice.x.map((x) => Math.ceil(column(x)));
  const pixels = cellPixels(rows, left, right, width, palette.heatPixels);

  scratch ??= document.createElement("canvas");
  scratch.width = width;
  scratch.height = rows.length;
  scratch.getContext("2d")?.putImageData(new ImageData(pixels, width, rows.length), 0, 0);
  const height = bbox.height / rows.length;
  // Several rows in one line of the screen are mixed. Otherwise each row has sharp edges.
  ctx.imageSmoothingEnabled = height < 1;
  ctx.imageSmoothingQuality = "medium";
  if (height <= MIN_GUTTER_HEIGHT) {
    ctx.drawImage(scratch, bbox.left, bbox.top, width, bbox.height);
    return;
  }
  const gutter = Math.max(1, Math.round(height * 0.12));
  for (let row = 0; row < rows.length; row += 1) {
    const y = bbox.top + row * height;
    ctx.drawImage(scratch, 0, row, width, 1, bbox.left, y, width, height - gutter);
  }
}

/**
 * Return the pixels of the image, the last row at the top. `left` and `right` are the edges of the slots in pixels,
 * `heat` the pixels of the eight steps. Unknown values are transparent.
 */
export function cellPixels(
  rows: readonly (readonly (number | null)[])[],
  left: readonly number[],
  right: readonly number[],
  width: number,
  heat: readonly number[],
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint32Array(width * rows.length);
  for (const [row, values] of rows.entries()) {
    const line = (rows.length - 1 - row) * width;
    for (let slot = 0; slot < values.length; slot += 1) {
      const value = values[slot];
      if (value == null) continue;
      const step = Math.max(0, Math.min(7, Math.floor(value / PERCENT_PER_HEAT_STEP)));
      const end = line + (right[slot] ?? 0);
      for (let at = line + (left[slot] ?? 0); at < end; at += 1) pixels[at] = heat[step] ?? 0;
    }
  }
  return new Uint8ClampedArray(pixels.buffer);
}
