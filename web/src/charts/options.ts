/**
 * uPlot's options for a chart: three ticks, hairlines, no legend and no floating tooltip, and hooks
 * that read the scene of the moment. uPlot itself is not called here.
 */
import type uPlot from "uplot";

import { clock } from "../format/time";
import { withAlpha } from "./palette";
import { timeStep, timeTicks } from "./scale";
import {
  drawBase,
  drawCells,
  drawGaps,
  drawMarks,
  drawWords,
  tickText,
  type Frame,
  type Scene,
} from "./scene";

export interface PlotEvents {
  readonly moved: (x: number | null) => void;
  readonly selected: (from: number, to: number) => void;
  readonly reset: () => void;
}

export type Paths = Pick<uPlot.Series.PathBuilderFactories, "linear" | "stepped">;

const TITLE_ROOM = 20;
const LABEL_ROOM = 44;
const AXIS_ROOM = 20;
const SPACE_BELOW = 8;
const EDGE_KEEPS = 84;

export function plotOptions(
  size: { readonly width: number; readonly height: number },
  scene: () => Scene,
  frame: Frame,
  paths: Paths,
  events: PlotEvents,
): uPlot.Options {
  const { k } = frame;
  const { spec } = scene();
  return {
    ...size,
    padding: [TITLE_ROOM * k, 0, 0, 0],
    legend: { show: false },
    // The scene says when it is now: uPlot's own range would follow the data and hide silence.
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
        // uPlot takes `true` here for "no element"; leaving it out is what shows points.
        ...(spec.kind === "cells" && { show: false }),
        size: 5 * k,
        width: 1.5 * k,
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
    hooks: {
      drawClear: [
        (u) => {
          drawGaps(u, scene());
        },
      ],
      drawAxes: [
        (u) => {
          drawBase(u, scene());
          drawCells(u, scene());
        },
      ],
      draw: [
        (u) => {
          drawMarks(u, scene(), frame);
          drawWords(u, scene(), frame);
        },
      ],
      setCursor: [
        (u) => {
          const left = u.cursor.left ?? -1;
          events.moved(left < 0 ? null : u.posToVal(left, "x"));
        },
      ],
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (width > 0) events.selected(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

function xAxis(scene: () => Scene, { k, last }: Frame): uPlot.Axis {
  return {
    size: (last ? AXIS_ROOM : SPACE_BELOW) * k,
    gap: 3 * k,
    font: font(scene, k),
    stroke: () => scene().palette.ink3,
    splits: (_, __, from, to) => timeTicks(from, to),
    values: (u, splits) => {
      if (!last) return splits.map(() => null);
      const step = timeStep((u.scales["x"]?.max ?? 0) - (u.scales["x"]?.min ?? 0));
      return splits.map((at) => (fits(u, at, k) ? clock(at, step < 60) : null));
    },
    grid: { stroke: () => withAlpha(scene().palette.line, 0.7), width: 1 },
    ticks: { show: false },
  };
}

function yAxis(scene: () => Scene, { k, phone }: Frame): uPlot.Axis {
  return {
    size: phone ? 0 : LABEL_ROOM * k,
    gap: 7 * k,
    font: font(scene, k),
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

function seriesOf(scene: () => Scene, { k }: Frame, paths: Paths): uPlot.Series[] {
  const { kind, series } = scene().spec;
  const steps = paths.stepped?.({ align: 1 });
  return series.map((_, index) => ({
    width: (kind === "stack" ? 1.1 : 1.35) * k,
    stroke: (_u: uPlot, at: number) =>
      isThin(scene(), at) ? "transparent" : colourOf(scene(), at),
    points: { show: false },
    ...(kind === "steps" && steps && { paths: steps }),
    // The lowest layer is filled down to zero; those above it down to their neighbour, by bands.
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

function font(scene: () => Scene, k: number): string {
  return `${Math.round(11 * k)}px ${scene().palette.font}`;
}

/** No label closer than this to the one at the edge, none cut off at the left. */
function fits(u: uPlot, at: number, k: number): boolean {
  const left = u.valToPos(at, "x");
  return left > 16 * k && left < u.bbox.width / devicePixelRatio - EDGE_KEEPS * k;
}
