/**
 * One chart. It owns its uPlot instance from mount to unmount and draws once per sample. Other files decide what is
 * drawn; this one has the life of the canvas, its size and the pointer.
 */
import { useLayoutEffect, useRef } from "react";
import uPlot from "uplot";

import { ago, clock } from "../format/time";
import type { Alert } from "../store/alerts";
import type { Picture } from "../store/display";
import { gapsOf } from "../store/gaps";
import type { Page } from "../store/page";
import { useHost, usePage, useStore } from "../store/use-telemetry";
import { plotOptions, type Paths } from "./options";
import { paletteOf } from "./palette";
import type { PlotData } from "./plot-data";
import { hatchOf, type Frame, type Scene } from "./scene";
import { plottedCount, type ChartSpec } from "./spec";
import type { LabelledSpike } from "./spikes";
import { bindTouch } from "./touch";
import "./chart.css";

export interface ChartProps {
  readonly id: string;
  readonly spec: ChartSpec;
  readonly picture: Picture;
  /** Of the window and of the minute before it. */
  readonly data: PlotData;
  readonly top: number;
  readonly spikes: readonly LabelledSpike[];
  readonly restarts: readonly number[];
  /** About what the chart shows, the most severe first. */
  readonly alerts: readonly Alert[];
  readonly frame: Frame;
  /** A change of the theme changes the colours. */
  readonly theme: string;
  readonly labelledBy: string;
}

type SceneProps = Pick<
  ChartProps,
  "spec" | "picture" | "data" | "spikes" | "restarts" | "alerts" | "top" | "frame"
>;

/** Below this mean height, a layer of a stack is filled without an edge. */
const THIN_PX = 2.4;
/** The position of uPlot's cursor while it is hidden. */
const OFF_CHART = -10;

export function Chart(props: ChartProps) {
  const { spec, frame, picture } = props;
  const page = usePage();
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  const plot = useRef<{ draw: () => void } | null>(null);
  useLayoutEffect(() => {
    latest.current = props;
  });

  // uPlot cannot change the number of its series at low cost, so another number gets another instance. Their names and
  // colours are not part of it.
  const shape = `${spec.kind} ${plottedCount(spec)}`;
  const { scale, phone, first, last } = frame;
  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return;
    const mounted = mountPlot(element, page, () => latest.current);
    plot.current = mounted;
    const observer = new ResizeObserver(() => {
      mounted.resize();
    });
    observer.observe(element);
    const unsubscribe = page.cursor.subscribe(mounted.moveCursor);
    return () => {
      unsubscribe();
      observer.disconnect();
      mounted.destroy();
      plot.current = null;
    };
  }, [page, shape, scale, phone, first, last]);

  useLayoutEffect(() => {
    plot.current?.draw();
  }, [
    picture,
    spec,
    props.data,
    props.spikes,
    props.alerts,
    props.theme,
    shape,
    scale,
    phone,
    first,
    last,
  ]);

  return (
    <div
      className="plot"
      ref={host}
      tabIndex={0}
      role="group"
      aria-labelledby={props.labelledBy}
      data-chart={props.id}
    >
      {frame.last && <CursorTime />}
    </div>
  );
}

/** Under the cursor: `14:03:08 −3:23`. */
function CursorTime() {
  const { cursor } = usePage();
  const { display } = useHost();
  const at = useStore(cursor, (x) => x);
  const from = useStore(display, (now) => now.picture.from);
  const to = useStore(display, (now) => now.picture.to);
  if (at === null || at < from) return null;
  return (
    <div
      className="cursor-time"
      style={{ "--at": (at - from) / (to - from) } as React.CSSProperties}
    >
      {clock(at)}&ensp;{ago(to - at)}
    </div>
  );
}

function mountPlot(element: HTMLElement, { cursor, actions }: Page, props: () => ChartProps) {
  const { frame } = props();
  let scene = sceneOf(props(), null, []);
  const size = () => ({ width: element.clientWidth, height: element.clientHeight });
  const paths = { linear: uPlot.paths.linear, stepped: uPlot.paths.stepped } as Paths;
  let movedByStore = false;
  const events = {
    moved: (x: number | null) => {
      if (!movedByStore) cursor.set(x);
    },
    selected: actions.zoom,
    reset: actions.live,
  };
  const plot = new uPlot(
    plotOptions(size(), () => scene, frame, paths, events),
    emptyData(scene.spec),
    element,
  );
  const unbindTouch = bindTouch(plot.over, (left) => plot.posToVal(left, "x"), {
    ...events,
    moved: cursor.set,
  });

  /** Follows the cursor of the page, which another chart may have set. */
  const moveCursor = (): void => {
    const x = cursor.get();
    const left = x === null ? OFF_CHART : plot.valToPos(x, "x");
    if (Math.abs(left - (plot.cursor.left ?? OFF_CHART)) < 0.5) return;
    movedByStore = true;
    plot.setCursor({ left, top: x === null ? OFF_CHART : 1 }, false);
    movedByStore = false;
  };
  const draw = (): void => {
    const { spec, picture, data, top } = props();
    scene = sceneOf(props(), plot.ctx, thinLayers(plot, spec, data, top, frame.scale));
    plot.batch(() => {
      plot.setData([data.x, ...data.columns], false);
      plot.setScale("x", { min: picture.from, max: picture.to });
    });
    moveCursor();
  };
  return {
    draw,
    moveCursor,
    resize: () => {
      const next = size();
      if (next.width === plot.width && next.height === plot.height) return;
      plot.setSize(next);
      draw();
    },
    destroy: () => {
      unbindTouch();
      plot.destroy();
    },
  };
}

/** Return data without a value, for a new plot. */
export function emptyData(spec: ChartSpec): uPlot.AlignedData {
  return [[], ...Array.from({ length: plottedCount(spec) }, () => [])];
}

/** Return which layers of a stack are too thin for an edge, by series. */
export function thinLayers(
  { bbox }: uPlot,
  { kind }: ChartSpec,
  { means }: PlotData,
  top: number,
  scale: number,
): boolean[] {
  const height = Math.max(1, bbox.height / devicePixelRatio);
  return means.map((mean) => kind === "stack" && (mean / top) * height < THIN_PX * scale);
}

export function sceneOf(
  { spec, picture, spikes, restarts, alerts, top, frame }: SceneProps,
  context: CanvasRenderingContext2D | null,
  thin: readonly boolean[],
): Scene {
  const { slice, tick, from, to, disconnected } = picture;
  const palette = paletteOf(disconnected);
  return {
    spec,
    palette,
    slice,
    gaps: slice.x.length === 0 ? [] : gapsOf(slice, to, tick),
    restarts,
    tick,
    top,
    to,
    thin,
    spikes,
    alerts: alerts.filter(({ sinceUnix, untilUnix }) => sinceUnix < to && (untilUnix ?? to) > from),
    hatch: context && hatchOf(context, palette.hatch, devicePixelRatio * frame.scale),
  };
}
