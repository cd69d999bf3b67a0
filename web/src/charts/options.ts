/**
 * uPlot's options for a chart: three ticks, hairlines, no legend, no tooltip, and hooks that read the current scene.
 * uPlot itself is not called here.
 */
import type uPlot from "uplot";

import { clock } from "../format/time";
import { drawCells } from "./cells";
import { drawSpikes } from "./draw-spikes";
import { withAlpha } from "./palette";
import { timeStep, timeTicks } from "./scale";
import {
  drawBaseLine,
  drawGaps,
  drawMarks,
  drawTexts,
  tickText,
  type Frame,
  type Scene,
} from "./scene";
import { plottedCount } from "./spec";

export interface PlotEvents {
  /** The cursor; null when the pointer has left the chart. */
  readonly moved: (x: number | null) => void;
  readonly selected: (from: number, to: number) => void;
  readonly reset: () => void;
}

export type Paths = Pick<uPlot.Series.PathBuilderFactories, "linear" | "stepped">;

/** In sixteenths of a rem. */
const TITLE_SPACE = 20;
const LABEL_SPACE = 44;
const AXIS_SPACE = 20;
const SPACE_BELOW = 8;
const SPACE_BEFORE_EDGE_LABEL = 84;
const SPACE_AT_LEFT = 16;

export function plotOptions(
  size: { readonly width: number; readonly height: number },
  scene: () => Scene,
  frame: Frame,
  paths: Paths,
  events: PlotEvents,
): uPlot.Options {
  const { scale } = frame;
  const { spec } = scene();
  return {
    ...size,
    padding: [TITLE_SPACE * scale, 0, 0, 0],
    legend: { show: false },
    // The scene sets the range of x. uPlot's own range would end at the newest sample and hide a silence.
    scales: {
      x: { time: false, auto: false },
      y: { range: () => [0, scene().top] },
    },
    axes: [xAxis(scene, frame), yAxis(scene, frame)],
    series: [{}, ...seriesOf(scene, frame, paths)],
    bands: spec.kind === "stack" ? bandsOf(scene) : [],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: {
        // Without this key, uPlot shows points; `true` would mean a custom element.
        ...(spec.kind === "cells" && { show: false }),
        size: 5 * scale,
        width: 1.5 * scale,
        stroke: (_, index) => colourOf(scene(), index),
        fill: () => scene().palette.background,
      },
      bind: {
        dblclick: () => () => {
          events.reset();
          return null;
        },
      },
    },
    hooks: hooksOf(scene, frame, events),
  };
}

function hooksOf(scene: () => Scene, frame: Frame, events: PlotEvents): uPlot.Hooks.Arrays {
  return {
    drawClear: [
      (plot) => {
        drawGaps(plot, scene());
      },
    ],
    drawAxes: [
      (plot) => {
        drawBaseLine(plot, scene());
        drawCells(plot, scene());
      },
    ],
    draw: [
      (plot) => {
        drawMarks(plot, scene(), frame);
        drawTexts(plot, scene(), frame);
        drawSpikes(plot, scene(), frame);
      },
    ],
    setCursor: [
      (plot) => {
        const left = plot.cursor.left ?? -1;
        events.moved(left < 0 ? null : plot.posToVal(left, "x"));
      },
    ],
    setSelect: [
      (plot) => {
        const { left, width } = plot.select;
        if (width > 0) {
          events.selected(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
        }
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      },
    ],
  };
}

function xAxis(scene: () => Scene, { scale, last }: Frame): uPlot.Axis {
  return {
    size: (last ? AXIS_SPACE : SPACE_BELOW) * scale,
    gap: 3 * scale,
    font: font(scene, scale),
    stroke: () => scene().palette.ink3,
    splits: (_, __, from, to) => timeTicks(from, to),
    values: (plot, splits) => {
      if (!last) return splits.map(() => null);
      const { max = 0, min = 0 } = plot.scales["x"] ?? {};
      const step = timeStep(max - min);
      return splits.map((at) => (fits(plot, at, scale) ? clock(at, step < 60) : null));
    },
    grid: { stroke: () => withAlpha(scene().palette.line, 0.7), width: 1 },
    ticks: { show: false },
  };
}

function yAxis(scene: () => Scene, { scale, phone }: Frame): uPlot.Axis {
  return {
    size: phone ? 0 : LABEL_SPACE * scale,
    gap: 7 * scale,
    font: font(scene, scale),
    stroke: () => scene().palette.ink3,
    splits: () => [0, scene().top / 2, scene().top],
    values: (_, splits) => {
      const { spec, top } = scene();
      if (phone || spec.kind === "cells") return splits.map(() => null);
      return splits.map((value) => tickText(spec, value, top));
    },
    grid: { stroke: () => scene().palette.line, width: 1, show: scene().spec.kind !== "cells" },
    ticks: { show: false },
  };
}

function seriesOf(scene: () => Scene, { scale }: Frame, paths: Paths): uPlot.Series[] {
  const { kind } = scene().spec;
  const steps = paths.stepped?.({ align: 1 });
  return Array.from({ length: plottedCount(scene().spec) }, (_, index) => ({
    width: (kind === "stack" ? 1.1 : 1.35) * scale,
    stroke: (_plot: uPlot, at: number) =>
      isThin(scene(), at) ? "transparent" : colourOf(scene(), at),
    points: { show: false },
    ...(kind === "steps" && steps && { paths: steps }),
    // The lowest layer is filled down to zero. The bands fill each other layer down to the one below it.
    ...(kind === "stack" && index === 0 && { fill: () => fillOf(scene(), 1) }),
  }));
}

function bandsOf(scene: () => Scene): uPlot.Band[] {
  const { series } = scene().spec;
  return series.slice(1).map((_, index) => ({
    series: [index + 2, index + 1],
    fill: () => fillOf(scene(), index + 2),
  }));
}

/** `at` counts as uPlot does: 0 is x, 1 the first series. */
function fillOf(scene: Scene, at: number): string {
  const colour = colourOf(scene, at);
  return colour === "transparent"
    ? colour
    : withAlpha(colour, isThin(scene, at) ? 0.6 : scene.palette.fill);
}

function colourOf({ spec, palette }: Scene, at: number): string {
  return palette.series(spec.series[at - 1]?.colour ?? "s1");
}

function isThin({ thin }: Scene, at: number): boolean {
  return thin[at - 1] === true;
}

function font(scene: () => Scene, scale: number): string {
  return `${Math.round(11 * scale)}px ${scene().palette.font}`;
}

/** Return whether a label is neither cut off at the left nor too close to the label at the right edge. */
function fits(plot: uPlot, at: number, scale: number): boolean {
  const left = plot.valToPos(at, "x");
  const width = plot.bbox.width / devicePixelRatio;
  return left > SPACE_AT_LEFT * scale && left < width - SPACE_BEFORE_EDGE_LABEL * scale;
}
