/** The charts on one time axis. The one in focus is taller; each has a readout. */
import { useMemo, useState } from "react";

import { Chart } from "../charts/chart";
import { plotData, yAxisOf } from "../charts/plot-data";
import { Readout } from "../charts/readout";
import type { Frame } from "../charts/scene";
import { mainCurve, spikesOf, type LabelledSpike } from "../charts/spikes";
import { statisticsOfChart } from "../charts/statistics";
import { summaryOf } from "../charts/summary";
import { Boundary } from "../parts/boundary";
import { explained } from "../parts/explained";
import { useLayout } from "../parts/layout";
import { useStatisticsShown } from "../parts/statistics-shown";
import { chartsFor, type PlacedVital } from "../sections";
import { alertsAbout } from "../store/alerts";
import type { Picture } from "../store/display";
import {
  useDisplay,
  useHost,
  usePage,
  usePicture,
  useShown,
  useView,
} from "../store/use-telemetry";
import { ChartTools } from "./chart-tools";
import "./chart-stack.css";

const NO_SPIKES: readonly LabelledSpike[] = [];

export function ChartStack({ theme }: { theme: string }) {
  const sample = usePicture((picture) => picture.sample);
  const focus = useView((view) => view.focus);
  const { scale, phone } = useLayout();
  const vitals = chartsFor(sample, focus);
  const shown = useStatisticsShown();
  return (
    <section
      className={shown ? "charts with-statistics" : "charts"}
      id="charts"
      tabIndex={-1}
      aria-label="Charts"
    >
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
  const allAlerts = useShown((state) => state.alerts);
  const alerts = useMemo(() => alertsAbout(allAlerts, chart.about), [allAlerts, chart]);
  const { scale, phone, first, last } = frame;
  const steadyFrame = useMemo(() => ({ scale, phone, first, last }), [scale, phone, first, last]);
  const alone = spec.series.some(({ label }) => label === picked) ? picked : null;
  const data = useMemo(
    () => (alone === null ? all : plotData(spec, picture.wider, alone)),
    [all, spec, picture.wider, alone],
  );
  const shown = useStatisticsShown();
  const isNeeded = shown || spec.kind !== "cells"; // 256 cores have 77 000 values in five minutes
  const statistics = useMemo(
    () => (isNeeded ? statisticsOfChart(spec, picture) : []),
    [isNeeded, spec, picture],
  );
  const { processMemory } = useHost();
  const { top } = axis;
  const spikes = useMemo(() => {
    const curve = focused ? mainCurve(spec, data, alone, picture) : null;
    if (curve === null) return NO_SPIKES;
    return spikesOf(curve, data.x, picture, top).map((spike) => ({
      ...spike,
      text: spec.format(spike.value),
      processes: processMemory.busiestAt(spike.x, chart.busyBy ?? "cpu"),
    }));
  }, [focused, spec, data, alone, picture, top, processMemory, chart]);
  const named = spikes.map(({ processes }) => processes.length).join();
  const shape = `${spec.name} ${spec.unit} ${spec.series.length} ${statistics.length} ${named} ${alerts.length}`;
  const summary = useSummary(shape, picture, () =>
    summaryOf(spec, picture, statistics, spikes, alerts),
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
        {focused && (
          <ChartTools
            statisticsShown={shown}
            name={facet === chart.facets[0] ? focus : `${focus}-${facet}`}
            image={() => ({
              ...{ spec, picture, data, top, spikes, restarts, alerts, unit: axis.unit },
              statistics: statisticsOfChart(spec, picture),
            })}
          />
        )}
      </figcaption>
      <Chart
        id={focus}
        {...{ spec, picture, data, top, spikes, restarts, alerts, theme }}
        frame={steadyFrame}
        labelledBy={`${id} ${id}-summary`}
      />
      <p className="visually-hidden" id={`${id}-summary`}>
        {summary}
      </p>
      <Readout
        spec={spec}
        picture={picture}
        statistics={shown ? statistics : null}
        alone={alone}
        choose={setPicked}
        alerts={allAlerts}
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

const SUMMARY_SECONDS = 10;

/** Return the text. While the page is live, it is written every ten seconds: nobody sees it, and it costs a layout. */
function useSummary(shape: string, { from, to }: Picture, write: () => string): string {
  const paused = useDisplay((display) => display.paused);
  const moment = paused ? to : Math.floor(to / SUMMARY_SECONDS);
  const key = `${shape} ${Math.round(to - from)} ${moment}`;
  const [kept, setKept] = useState({ key: "", text: "" });
  if (kept.key !== key) setKept({ key, text: write() });
  return kept.text;
}
