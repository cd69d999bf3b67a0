/** The charts on one time axis. The one in focus is taller; each has a readout. */
import { useMemo, useState } from "react";

import { Chart } from "../charts/chart";
import { plotData, yAxisOf } from "../charts/plot-data";
import { Readout } from "../charts/readout";
import type { Frame } from "../charts/scene";
import { newestIndex, valuesOf, type ChartSpec } from "../charts/spec";
import { Boundary } from "../parts/boundary";
import { explained } from "../parts/explained";
import { useLayout } from "../parts/layout";
import { chartsFor, type PlacedVital } from "../sections";
import type { Picture } from "../store/display";
import { usePage, usePicture, useShown, useView } from "../store/use-telemetry";
import "./chart-stack.css";

export function ChartStack({ theme }: { theme: string }) {
  const sample = usePicture((picture) => picture.sample);
  const focus = useView((view) => view.focus);
  const { scale, phone } = useLayout();
  const vitals = chartsFor(sample, focus);
  return (
    <section className="charts" id="charts" tabIndex={-1} aria-label="Charts">
      {vitals.map((vital, at) => {
        const last = phone || at === vitals.length - 1;
        return (
          <Boundary
            key={vital.focus}
            fallback={(reason) => <FailedChart label={vital.label} reason={reason} />}
          >
            <ChartFigure
              vital={vital}
              focused={vital.focus === focus}
              frame={{ scale, phone, first: at === 0, last }}
              theme={theme}
            />
          </Boundary>
        );
      })}
    </section>
  );
}

interface ChartFigureProps {
  readonly vital: PlacedVital;
  readonly focused: boolean;
  readonly frame: Frame;
  readonly theme: string;
}

function ChartFigure({ vital: { focus, chart }, focused, frame, theme }: ChartFigureProps) {
  const picture = usePicture((now) => now);
  const chosen = useView((view) => view.facets[focus]);
  const restarts = useShown((state) => state.restarts);
  const [picked, setPicked] = useState<string | null>(null);
  const facet = chosen ?? chart.facets[0] ?? "";
  const spec = useMemo(
    () => chart.draw({ sample: picture.sample, facet, slice: picture.wider, focused }),
    [chart, picture, facet, focused],
  );
  const all = useMemo(() => plotData(spec, picture.wider, null), [spec, picture.wider]);
  const axis = yAxisOf(spec, all.highest);
  const alerted = useShown(
    ({ alerts }) => spec.limit !== undefined && alerts.has(spec.limit.alert),
  );
  const { scale, phone, first, last } = frame;
  const steadyFrame = useMemo(() => ({ scale, phone, first, last }), [scale, phone, first, last]);
  const alone = spec.series.some(({ label }) => label === picked) ? picked : null;
  const data = useMemo(
    () => (alone === null ? all : plotData(spec, picture.wider, alone)),
    [all, spec, picture.wider, alone],
  );
  const id = `chart-${focus}`;
  return (
    <figure
      className={`chart${focused ? " focused" : ""}${last ? " last" : ""}`}
      aria-labelledby={id}
    >
      <figcaption>
        <b id={id} {...explained(spec.explains)}>
          {spec.name}
        </b>
        <span className="unit">{axis.unit}</span>
        {focused && <Facets focus={focus} facets={chart.facets} shown={facet} />}
      </figcaption>
      <Chart
        id={focus}
        top={axis.top}
        {...{ spec, picture, data, restarts, theme }}
        frame={steadyFrame}
        labelledBy={`${id} ${id}-summary`}
      />
      <p className="visually-hidden" id={`${id}-summary`}>
        {summaryOf(spec, picture)}
      </p>
      <Readout
        spec={spec}
        slice={picture.slice}
        alone={alone}
        choose={setPicked}
        alerted={alerted}
      />
    </figure>
  );
}

interface FacetsProps {
  readonly focus: string;
  readonly facets: readonly string[];
  readonly shown: string;
}

function Facets({ focus, facets, shown }: FacetsProps) {
  const { actions } = usePage();
  if (facets.length < 2) return null;
  return (
    <span className="facets">
      {facets.map((facet) => (
        <button
          type="button"
          key={facet}
          aria-pressed={facet === shown}
          onClick={() => {
            actions.setFacet(focus, facet);
          }}
        >
          {facet}
        </button>
      ))}
    </span>
  );
}

/** In place of a chart that could not be drawn. */
function FailedChart({ label, reason }: { label: string; reason: string }) {
  return (
    <figure className="chart">
      <figcaption>
        <b>{label}</b>
        <span className="warn">▲ failed: {reason}</span>
      </figcaption>
    </figure>
  );
}

/** Return a text for screen readers: the newest, lowest and highest value of each series in the window. */
function summaryOf(spec: ChartSpec, { slice, from, to }: Picture): string {
  const seconds = Math.round(to - from);
  if (spec.kind === "cells") return `${spec.series.length} cores over ${seconds} s`;
  const newest = newestIndex(slice);
  const parts = spec.series.map((series) => {
    const values = valuesOf(series, slice);
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${series.label}: unknown`;
    const [now, lowest, highest] = [
      values[newest] ?? null,
      Math.min(...known),
      Math.max(...known),
    ].map(spec.format);
    return `${series.label}: now ${now}, lowest ${lowest}, highest ${highest}`;
  });
  return `in the last ${seconds} s: ${parts.join("; ")}`;
}
