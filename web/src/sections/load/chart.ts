/**
 * The chart of load. Where the kernel measures pressure, the chart shows pressure while something else is in focus:
 * pressure is time that work lost, and the tile has a sparkline of load.
 */
import { oneSeries, type ChartSpec } from "../../charts/spec";
import { fixed, percentText } from "../../format/numbers";
import type { ChartContext, SectionChart } from "../section";

export const FACETS = ["load", "threads", "stalled", "all stalled"];

export const ABOUT = ["load", "pressure"];

export const chart: SectionChart = { facets: FACETS, about: ABOUT, draw };

function draw({ sample, facet, focused }: ChartContext): ChartSpec {
  const hasPressure = sample === null || sample.sections.pressure !== undefined;
  if (!focused && hasPressure) return pressure("some");
  switch (facet) {
    case "stalled":
      return pressure("some");
    case "all stalled":
      return pressure("full");
    case "threads":
      return threads();
    default:
      return load();
  }
}

function pressure(part: "some" | "full"): ChartSpec {
  return {
    name: "Pressure",
    explains: "pressure.io",
    unit: part === "some" ? "% of time stalled" : "% of time all tasks stalled",
    kind: "lines",
    floor: 10,
    format: percentText,
    series: [
      oneSeries("cpu", `pressure.cpu.${part}_percent`, "s1"),
      oneSeries("memory", `pressure.memory.${part}_percent`, "s2"),
      oneSeries("io", `pressure.io.${part}_percent`, "s3"),
    ],
  };
}

function threads(): ChartSpec {
  return {
    name: "Threads",
    unit: "running and waiting for disk",
    kind: "lines",
    floor: 2,
    format: (value) => fixed(value, 0),
    series: [
      oneSeries("running", "load.procs_running", "s1"),
      oneSeries("blocked", "load.procs_blocked", "s3"),
    ],
  };
}

function load(): ChartSpec {
  return {
    name: "Load",
    explains: "load",
    unit: "threads, averaged",
    kind: "steps",
    floor: 1,
    format: (value) => fixed(value, 2),
    series: [
      oneSeries("1 min", "load.avg1", "s1"),
      oneSeries("5 min", "load.avg5", "s2"),
      oneSeries("15 min", "load.avg15", "s8"),
    ],
  };
}
