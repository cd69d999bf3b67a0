/** Draws the labels of spikes beside their points: inside the plot, and none over another one. */
import type uPlot from "uplot";

import { clock } from "../format/time";
import type { Frame, Scene } from "./scene";
import type { LabelledSpike } from "./spikes";

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const LINE = 13;
const GAP = 7;
/** On a phone, the ticks of y are inside the plot. */
const TICKS_ON_PHONE = 34;
const MAX_WIDTH_SHARE = 0.45;

export function drawSpikes(plot: uPlot, { spikes, palette }: Scene, frame: Frame): void {
  const { ctx, bbox } = plot;
  const px = devicePixelRatio * frame.scale;
  const taken: Box[] = [];
  for (const spike of spikes) {
    const x = plot.valToPos(spike.x, "x", true);
    const y = plot.valToPos(spike.value, "y", true);
    const lines = linesOf(ctx, spike, bbox.width * MAX_WIDTH_SHARE);
    const width = Math.max(...lines.map((line) => ctx.measureText(line).width));
    const box = placeOf({ x, y }, { width, height: lines.length * LINE * px }, bbox, {
      gap: GAP * px,
      left: frame.phone ? TICKS_ON_PHONE * px : 0,
    });
    if (taken.some((other) => overlap(box, other))) continue;
    taken.push(box);
    ctx.fillStyle = palette.ink;
    ctx.beginPath();
    ctx.arc(x, y, 2.25 * px, 0, 2 * Math.PI);
    ctx.fill();
    ctx.textAlign = "left";
    ctx.lineWidth = 3 * px;
    ctx.lineJoin = "round";
    ctx.strokeStyle = palette.background;
    lines.forEach((line, at) => {
      const base = box.top + (at * LINE + 10) * px;
      ctx.strokeText(line, box.left, base); // the lines of the chart may cross the label
      ctx.fillStyle = at === 0 ? palette.ink : palette.ink2;
      ctx.fillText(line, box.left, base);
    });
  }
}

/** Return value and time, and below them the processes that fit. */
function linesOf(
  ctx: CanvasRenderingContext2D,
  { text, x, processes }: LabelledSpike,
  maxWidth: number,
): string[] {
  let shown = "";
  for (const process of processes) {
    const longer = shown === "" ? process : `${shown}, ${process}`;
    if (ctx.measureText(longer).width > maxWidth) break;
    shown = longer;
  }
  return [`${text}  ${clock(x)}`, ...(shown === "" ? [] : [shown])];
}

/** Return the place of a label: at the right of its point, or at the left where there is no space; inside the plot. */
export function placeOf(
  point: { readonly x: number; readonly y: number },
  { width, height }: Pick<Box, "width" | "height">,
  bbox: Box,
  margin: { readonly gap: number; readonly left: number },
): Box {
  const right = point.x + margin.gap;
  const fitsAtRight = right + width <= bbox.left + bbox.width;
  const left = fitsAtRight ? right : point.x - margin.gap - width;
  return {
    left: Math.max(bbox.left + margin.left, left),
    top: Math.max(bbox.top, Math.min(point.y - height / 2, bbox.top + bbox.height - height)),
    width,
    height,
  };
}

function overlap(one: Box, other: Box): boolean {
  return (
    one.left < other.left + other.width &&
    other.left < one.left + one.width &&
    one.top < other.top + other.height &&
    other.top < one.top + one.height
  );
}
