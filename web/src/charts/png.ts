/**
 * A chart as a PNG in the colours of the page: title, host, time span, plot and legend. Its size does not depend on the
 * window. uPlot draws with the pixel ratio of the screen, so the plot is made larger instead, and everything in it.
 */
import uPlot from "uplot";

import { clock, date } from "../format/time";
import { emptyData, sceneOf, thinLayers, type ChartProps } from "./chart";
import { plotOptions, type Paths } from "./options";
import { paletteOf, type Palette } from "./palette";
import type { Frame } from "./scene";
import type { Colour } from "./spec";
import { totalText, type Statistics } from "./statistics";

export interface ChartImage extends Pick<
  ChartProps,
  "spec" | "picture" | "data" | "top" | "spikes" | "restarts" | "alerts"
> {
  readonly host: string;
  /** Of the y axis. */
  readonly unit: string;
  /** Of each series. */
  readonly statistics: readonly Statistics[];
}

/** In CSS pixels. */
const SIZE = { width: 960, height: 400 } as const;
const MIN_RATIO = 2;
const MARGIN = 20;
const PLOT = { left: MARGIN, top: 60, width: 600, height: 320 } as const;
const LEGEND = { left: 644, right: SIZE.width - MARGIN, top: 92, line: 20, column: 66 } as const;
const HEAT_CELL = 22;

const NOTHING = (): void => undefined;

export async function pngOf(image: ChartImage): Promise<Blob> {
  const ratio = Math.max(MIN_RATIO, devicePixelRatio);
  const palette = paletteOf(image.picture.disconnected);
  const canvas = document.createElement("canvas");
  canvas.width = SIZE.width * ratio;
  canvas.height = SIZE.height * ratio;
  const pen = canvas.getContext("2d");
  if (pen === null) throw new Error("the browser has no canvas");
  const plot = drawnPlot(image, ratio);
  pen.scale(ratio, ratio);
  pen.fillStyle = palette.background;
  pen.fillRect(0, 0, SIZE.width, SIZE.height);
  pen.drawImage(plot.ctx.canvas, PLOT.left, PLOT.top, PLOT.width, PLOT.height);
  plot.destroy();
  writeHead(pen, palette, image);
  if (image.spec.kind === "cells") drawHeatLegend(pen, palette);
  else writeLegend(pen, palette, image);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error("the browser cannot write a PNG"));
      else resolve(blob);
    });
  });
}

function drawnPlot(image: ChartImage, ratio: number): uPlot {
  const { spec, data, picture, top } = image;
  const scale = ratio / devicePixelRatio;
  const frame: Frame = { scale, phone: false, first: true, last: true };
  const size = { width: PLOT.width * scale, height: PLOT.height * scale };
  const paths = { linear: uPlot.paths.linear, stepped: uPlot.paths.stepped } as Paths;
  const events = { moved: NOTHING, selected: NOTHING, reset: NOTHING };
  let scene = sceneOf({ ...image, frame }, null, []);
  const plot = new uPlot(
    plotOptions(size, () => scene, frame, paths, events),
    emptyData(spec),
  );
  scene = sceneOf({ ...image, frame }, plot.ctx, thinLayers(plot, spec, data, top, scale));
  plot.batch(() => {
    plot.setData([data.x, ...data.columns], false);
    plot.setScale("x", { min: picture.from, max: picture.to });
  });
  return plot;
}

type Pen = CanvasRenderingContext2D;

function writeHead(pen: Pen, palette: Palette, { spec, unit, host, picture }: ChartImage): void {
  const { from, to } = picture;
  const right = SIZE.width - MARGIN;
  write(pen, palette, { size: 16, weight: 600, colour: palette.ink }, spec.name, MARGIN, 30);
  const nameWidth = pen.measureText(spec.name).width;
  write(pen, palette, { size: 13, colour: palette.ink3 }, unit, MARGIN + nameWidth + 8, 30);
  pen.textAlign = "right";
  write(pen, palette, { size: 16, weight: 600, colour: palette.ink }, host, right, 30);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const span = `${date(from)} ${clock(from)} – ${date(from) === date(to) ? "" : `${date(to)} `}${clock(to)}`;
  write(pen, palette, { size: 12, colour: palette.ink2 }, `${span}, ${zone}`, right, 50);
  pen.textAlign = "left";
}

function writeLegend(pen: Pen, palette: Palette, image: ChartImage): void {
  const { spec, statistics, picture } = image;
  const series = spec.series.map((one, at) => ({ one, own: statistics[at] }));
  const rows = series.flatMap(({ one, own }) => {
    if (own === undefined) return [];
    const values = [
      spec.format(own.average),
      spec.format(own.highest),
      totalText(spec, one, own, picture),
    ];
    return [{ label: one.label, colour: one.colour, values }];
  });
  if (spec.kind === "stack") rows.reverse();
  const hasTotal = rows.some(({ values }) => values[2] !== "");
  const columns = hasTotal ? ["avg", "max", "total"] : ["avg", "max"];
  const { left, right, top, line, column } = LEGEND;
  const rightOf = (at: number): number => right - (columns.length - 1 - at) * column;
  const style = { size: 12, colour: palette.ink3 };
  pen.textAlign = "right";
  columns.forEach((name, at) => {
    write(pen, palette, style, name, rightOf(at), top);
  });
  const space = right - columns.length * column - left - 14;
  rows.forEach(({ label, colour, values }, row) => {
    const y = top + (row + 1) * line;
    drawSwatch(pen, palette, colour, left, y - 5);
    pen.textAlign = "left";
    const ink = { ...style, colour: palette.ink2 };
    write(pen, palette, ink, cut(pen, palette, ink, label, space), left + 14, y);
    pen.textAlign = "right";
    columns.forEach((_, at) => {
      write(pen, palette, { ...style, colour: palette.ink }, values[at] ?? "", rightOf(at), y);
    });
  });
  pen.textAlign = "left";
  const { more = 0 } = spec;
  if (more > 0)
    write(pen, palette, style, `and ${more} more`, left + 14, top + (rows.length + 1) * line);
}

function drawSwatch(pen: Pen, palette: Palette, colour: Colour, x: number, y: number): void {
  pen.fillStyle = colour === "free" ? palette.line2 : palette.series(colour);
  pen.fillRect(x, y, 8, 3);
}

/** The colours of the cells, from 0 to 100 %. */
function drawHeatLegend(pen: Pen, palette: Palette): void {
  const { left, top } = LEGEND;
  palette.heat.forEach((colour, step) => {
    pen.fillStyle = colour;
    pen.fillRect(left + step * HEAT_CELL, top - 10, HEAT_CELL - 1, 12);
  });
  const style = { size: 12, colour: palette.ink2 };
  write(pen, palette, style, "0 %", left, top + 20);
  write(pen, palette, style, "100 %", left + (palette.heat.length - 1) * HEAT_CELL, top + 20);
}

interface TextStyle {
  readonly size: number;
  readonly weight?: number;
  readonly colour: string;
}

function write(
  pen: Pen,
  palette: Palette,
  style: TextStyle,
  text: string,
  x: number,
  y: number,
): void {
  setFont(pen, palette, style);
  pen.fillStyle = style.colour;
  pen.fillText(text, x, y);
}

function setFont(pen: Pen, palette: Palette, { size, weight = 400 }: TextStyle): void {
  pen.font = `${weight} ${size}px ${palette.font}`;
}

/** Return the beginning of a text that fits, with an ellipsis where something is left out. */
function cut(pen: Pen, palette: Palette, style: TextStyle, text: string, width: number): string {
  setFont(pen, palette, style);
  let shown = text;
  while (shown.length > 1 && pen.measureText(shown).width > width) {
    shown = `${shown.slice(0, -2)}…`;
  }
  return shown;
}
