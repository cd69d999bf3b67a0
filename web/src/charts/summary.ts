/** The text alternative of a chart, for screen readers: what its lines show in the window. Pure. */
import { clock } from "../format/time";
import { SEVERITIES, type Alert } from "../store/alerts";
import type { Picture } from "../store/display";
import { isRate, newestIndex, valuesOf, type ChartSpec } from "./spec";
import { spikeText, type LabelledSpike } from "./spikes";
import { totalText, type Statistics } from "./statistics";

/** Return the newest, mean, lowest and highest value of each series, its total where it is a rate, and the alerts. */
export function summaryOf(
  spec: ChartSpec,
  picture: Picture,
  statistics: readonly Statistics[],
  spikes: readonly LabelledSpike[],
  alerts: readonly Alert[],
): string {
  const { slice, from, to } = picture;
  const span = `from ${clock(from)} to ${clock(to)}`; // while paused, it may be long ago
  const reported = alerts
    .filter(({ untilUnix }) => (untilUnix ?? to) > from)
    .map(({ level, text, sinceUnix, untilUnix }) => {
      const end = untilUnix === null ? "" : ` until ${clock(untilUnix)}`;
      return `; ${SEVERITIES[level]} since ${clock(sinceUnix)}${end}: ${text}`;
    })
    .join("");
  if (spec.kind === "cells") return `${spec.series.length} cores ${span}${reported}`;
  const newest = newestIndex(slice);
  const parts = spec.series.map((series, at) => {
    const own = statistics[at];
    if (own === undefined || own.average === null) return `${series.label}: unknown`;
    const values = [
      ["newest", valuesOf(series, slice)[newest] ?? null],
      ["average", own.average],
      ["lowest", own.lowest],
      ["highest", own.highest],
    ] as const;
    const texts = values.map(([name, value]) => `${name} ${spec.format(value)}`);
    if (isRate(series)) texts.push(`total ${totalText(spec, series, own, picture)}`);
    return `${series.label}: ${texts.join(", ")}`;
  });
  if (spikes.length > 0) parts.push(`spikes: ${spikes.map(spikeText).join("; ")}`);
  return `${span}: ${parts.join("; ")}${reported}`;
}
