/** The chart of memory: what it is used for, or swap traffic. */
import { oneSeries, type ChartSpec } from "../../charts/spec";
import { byteRateText, bytesText } from "../../format/numbers";
import type { ChartContext, SectionChart } from "../section";
import { RECLAIMABLE } from "./reclaimable";

export const FACETS = ["use", "swap"];

export const ABOUT = ["memory", "swap"];

export const chart: SectionChart = { facets: FACETS, about: ABOUT, busyBy: "memory", draw };

function draw({ sample, facet }: ChartContext): ChartSpec {
  if (facet === "swap") {
    return {
      name: "Swap",
      explains: "swap",
      unit: "/s",
      kind: "lines",
      bytes: true,
      format: byteRateText,
      series: [
        oneSeries("in", "swap.in_bytes_per_second", "s1"),
        oneSeries("out", "swap.out_bytes_per_second", "s2"),
      ],
    };
  }
  const total = sample?.sections.memory?.total_bytes;
  return {
    name: "Memory",
    explains: "memory",
    unit: "",
    kind: "stack",
    bytes: true,
    format: bytesText,
    main: "used", // the stack is always nearly as high as the memory
    ...(total != null && { full: total }),
    series: [
      oneSeries("used", "memory.used_bytes", "s1"),
      oneSeries("reclaimable", RECLAIMABLE, "s2"),
      oneSeries("free", "memory.free_bytes", "free"),
    ],
  };
}
