/** The chart of CPU time: its shares over all cores, or the use of each core. */
import { oneSeries, type ChartSpec } from "../../charts/spec";
import { percentText } from "../../format/numbers";
import type { ChartContext, SectionChart } from "../section";

export const FACETS = ["states", "cores"];

export const ABOUT = ["cpu"];

export const chart: SectionChart = { facets: FACETS, about: ABOUT, draw };

function draw({ sample, facet }: ChartContext): ChartSpec {
  const cpu = sample?.sections.cpu;
  const shared = { name: "CPU", explains: "cpu", full: 100, format: percentText };
  if (facet === "cores") {
    const series = (cpu?.cores ?? []).map(({ id }) =>
      oneSeries(`core ${id}`, `cpu.cores.${id}.usage_percent`, "s1"),
    );
    return { ...shared, unit: "% per core", kind: "cells", series };
  }
  const online = cpu?.online_count;
  return {
    ...shared,
    unit: online == null ? "%" : `% of ${online} ${online === 1 ? "core" : "cores"}`,
    kind: "stack",
    series: [
      {
        label: "user",
        columns: ["cpu.user_percent", "cpu.nice_percent", "cpu.guest_percent"],
        colour: "s1",
      },
      oneSeries("system", "cpu.system_percent", "s2"),
      { label: "irq", columns: ["cpu.irq_percent", "cpu.softirq_percent"], colour: "s8" },
      oneSeries("steal", "cpu.steal_percent", "s5"),
      oneSeries("iowait", "cpu.iowait_percent", "s3"),
    ],
  };
}
