/** The chart stack: five charts on one axis, the one in focus taller, each with its readout. */
import { useMemo, useState } from "react";

import { chartsFor } from "../charts/catalogue";
import { Chart } from "../charts/chart";
import { Readout } from "../charts/readout";
import { plotData, yAxisOf } from "../charts/plot-data";
import { newestIndex, valuesOf, type ChartSpec } from "../charts/spec";
import type { Frame } from "../charts/scene";
import type { Picture } from "../store/display";
import { usePicture, useSession, useTelemetry, useView } from "../store/use-telemetry";

export interface ChartsProps {
  readonly layout: { readonly k: number; readonly phone: boolean };
  readonly theme: string;
}

export function Charts({ layout, theme }: ChartsProps) {
  const picture = usePicture((now) => now);
  const focus = useView((view) => view.focus);
  const facets = useView((view) => view.facets);
  const restarts = useTelemetry((state) => state.restarts);
  const specs = useMemo(
    () => chartsFor(picture.sample, focus, facets, picture.wider),
    [picture, focus, facets],
  );
  return (
    <section className="charts" aria-label="Charts">
      {specs.map((spec, at) => {
        const first = at === 0;
        const last = layout.phone || at === specs.length - 1;
        return (
          <OneChart
            key={spec.id}
            {...{ spec, picture, restarts, theme }}
            on={spec.id === focus}
            frame={{ ...layout, first, last }}
          />
        );
      })}
    </section>
  );
}

interface OneChartProps {
  readonly spec: ChartSpec;
  readonly picture: Picture;
  readonly restarts: readonly number[];
  readonly theme: string;
  readonly on: boolean;
  readonly frame: Frame;
}

function OneChart({ spec, picture, restarts, theme, on, frame }: OneChartProps) {
  const { actions } = useSession();
  const [picked, setPicked] = useState<string | null>(null);
  const stalled = useTelemetry((state) => state.alerts.has("stall.io"));
  const alone = spec.series.some(({ label }) => label === picked) ? picked : null;
  const axis = useMemo(
    () => yAxisOf(spec, plotData(spec, picture.wider, null).highest),
    [spec, picture.wider],
  );
  const id = `chart-${spec.id}`;
  const { k, phone, first, last } = frame;
  const steady = useMemo(() => ({ k, phone, first, last }), [k, phone, first, last]);
  return (
    <figure className={`chart${on ? " on" : ""}${last ? " last" : ""}`} aria-labelledby={id}>
      <figcaption>
        <b id={id} data-explain={EXPLAINED[spec.name]}>
          {spec.name}
        </b>
        <span className="unit">{axis.unit}</span>
        {on && spec.facets.length > 1 && (
          <span className="facets">
            {spec.facets.map((facet) => (
              <button
                type="button"
                key={facet}
                aria-pressed={facet === spec.facet}
                onClick={() => {
                  actions.setFacet(spec.id, facet);
                }}
              >
                {facet}
              </button>
            ))}
          </span>
        )}
      </figcaption>
      <Chart
        top={axis.top}
        {...{ spec, picture, restarts, alone, theme }}
        frame={steady}
        labelledBy={`${id} ${id}-sum`}
      />
      <p className="hidden" id={`${id}-sum`}>
        {summary(spec, picture)}
      </p>
      <Readout
        spec={spec}
        slice={picture.slice}
        tick={picture.tick}
        alone={alone}
        pick={setPicked}
        warned={stalled}
      />
    </figure>
  );
}

const EXPLAINED: Readonly<Record<string, string>> = {
  CPU: "cpu",
  Memory: "memory",
  Swap: "swap",
  Load: "load",
  Pressure: "stall.io",
  Network: "network",
  TCP: "tcp",
  Disk: "disk",
  Temperature: "heat",
};

/** For whoever does not see the canvas: now, least and most of each series in the window. */
function summary(spec: ChartSpec, { slice, from, to }: Picture): string {
  if (spec.kind === "cells") return `${spec.series.length} cores over ${Math.round(to - from)} s`;
  const at = newestIndex(slice);
  const parts = spec.series.map((series) => {
    const values = valuesOf(series, slice);
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${series.label} not known`;
    const now = values[at] ?? null;
    return `${series.label} now ${spec.format(now)}, least ${spec.format(Math.min(...known))}, most ${spec.format(Math.max(...known))}`;
  });
  return `in the last ${Math.round(to - from)} s: ${parts.join("; ")}`;
}
