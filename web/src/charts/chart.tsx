/**
 * One chart: owns its uPlot instance from mount to unmount, and draws once per sample. Everything it
 * draws is decided elsewhere; here are only the life of the canvas, its size, and the pointer.
 */
import { useLayoutEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { ago, clock } from "../format/time";
import type { Picture } from "../store/display";
import { gapsOf } from "../store/gaps";
import { useSession, useStore } from "../store/use-telemetry";
import { plotOptions } from "./options";
import { makeHatch, type Frame, type Scene } from "./scene";
import { readPalette } from "./palette";
import { plotData } from "./plot-data";
import type { ChartSpec } from "./spec";
import { bindTouch } from "./touch";

export interface ChartProps {
  readonly spec: ChartSpec;
  readonly picture: Picture;
  readonly top: number;
  readonly restarts: readonly number[];
  readonly alone: string | null;
  readonly frame: Frame;
  /** Changes when colours may have: the theme. */
  readonly theme: string;
  readonly labelledBy: string;
}

const THIN_PX = 2.4;

export function Chart(props: ChartProps) {
  const { spec, frame, picture } = props;
  const session = useSession();
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  const plot = useRef<{ draw: () => void } | null>(null);
  useLayoutEffect(() => {
    latest.current = props;
  });

  // uPlot's series cannot change their number cheaply: another set of them is another instance.
  const shape = [spec.kind, ...spec.series.map(({ label }) => label)].join("|");
  const { k, phone, first, last } = frame;
  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return;
    const made = mountPlot(element, session, () => latest.current);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.resize();
    });
    observer.observe(element);
    const leaveCursor = session.cursor.subscribe(made.moveCursor);
    return () => {
      leaveCursor();
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [session, shape, k, phone, first, last]);

  useLayoutEffect(() => {
    plot.current?.draw();
  }, [picture, spec, props.alone, props.theme, shape, k, phone, first, last]);

  return (
    <div
      className="plot"
      ref={host}
      tabIndex={0}
      role="group"
      aria-labelledby={props.labelledBy}
      data-chart={spec.id}
    >
      {frame.last && <TimeChip />}
    </div>
  );
}

/** Under the cursor: `14:03:08 −3:23`. */
function TimeChip() {
  const { cursor, display } = useSession();
  const at = useStore(cursor, (x) => x);
  const from = useStore(display, (now) => now.picture.from);
  const to = useStore(display, (now) => now.picture.to);
  if (at === null || at < from) return null;
  return (
    <div className="chip" style={{ "--at": (at - from) / (to - from) } as React.CSSProperties}>
      {clock(at)}&ensp;{ago(to - at)}
    </div>
  );
}

function mountPlot(
  element: HTMLElement,
  session: ReturnType<typeof useSession>,
  props: () => ChartProps,
) {
  const { frame } = props();
  let scene = sceneOf(props(), null, []);
  const size = () => ({ width: element.clientWidth, height: element.clientHeight });
  const paths = { linear: uPlot.paths.linear, stepped: uPlot.paths.stepped } as Parameters<
    typeof plotOptions
  >[3];
  const { cursor, actions } = session;
  let steering = false;
  const events = {
    moved: (x: number | null) => {
      if (!steering) cursor.set(x);
    },
    selected: actions.zoom,
    reset: actions.live,
  };
  const u = new uPlot(
    plotOptions(size(), () => scene, frame, paths, events),
    emptyData(scene.spec),
    element,
  );
  const stopTouch = bindTouch(u.over, (left) => u.posToVal(left, "x"), {
    ...events,
    moved: cursor.set,
  });

  const moveCursor = (): void => {
    const x = cursor.get();
    const left = x === null ? -10 : u.valToPos(x, "x");
    if (Math.abs(left - (u.cursor.left ?? -10)) < 0.5) return;
    steering = true;
    u.setCursor({ left, top: x === null ? -10 : 1 }, false);
    steering = false;
  };
  const draw = (): void => {
    const { spec, picture, alone, top } = props();
    const data = plotData(spec, picture.slice, alone);
    const height = Math.max(1, u.bbox.height / devicePixelRatio);
    const thin = data.means.map(
      (mean) => spec.kind === "stack" && (mean / top) * height < THIN_PX * frame.k,
    );
    scene = sceneOf(props(), u.ctx, thin, data.highest);
    u.batch(() => {
      u.setData([data.x, ...data.columns], false);
      u.setScale("x", { min: picture.from, max: picture.to });
    });
    moveCursor();
  };
  return {
    draw,
    moveCursor,
    resize: () => {
      const next = size();
      if (next.width === u.width && next.height === u.height) return;
      u.setSize(next);
      draw();
    },
    destroy: () => {
      stopTouch();
      u.destroy();
    },
  };
}

function emptyData({ series }: ChartSpec): uPlot.AlignedData {
  return [[], ...series.map(() => [])];
}

function sceneOf(
  { spec, picture, restarts, top, frame }: ChartProps,
  context: CanvasRenderingContext2D | null,
  thin: readonly boolean[],
  highest = 0,
): Scene {
  const { slice, tick, to, lost } = picture;
  const palette = readPalette(document.body, lost);
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
    crossed: spec.limit !== undefined && highest > spec.limit.value,
    hatch: context && makeHatch(context, palette.hatch, devicePixelRatio * frame.k),
  };
}
