/** The chart of disks: bytes in total; busy time, operations, wait and queue per disk. */
import { perRow, rowNames } from "../../charts/rows";
import { oneSeries, type ChartSpec, type SeriesSpec } from "../../charts/spec";
import { byteRateText, fixed, percentText, perSecond, UNKNOWN } from "../../format/numbers";
import type { ChartContext, SectionChart } from "../section";

export const FACETS = ["total", "busy", "operations", "wait", "queue"];

export const ABOUT = ["disk", "disks"];

export const chart: SectionChart = { facets: FACETS, about: ABOUT, draw };

const LINES = { name: "Disk", explains: "disk", kind: "lines" } as const;

function draw(context: ChartContext): ChartSpec {
  switch (context.facet) {
    case "busy":
      return {
        ...LINES,
        unit: "% of time busy",
        full: 100,
        format: percentText,
        ...perDisk(context, ["util_percent"]),
      };
    case "operations":
      return {
        ...LINES,
        unit: "operations /s",
        floor: 10,
        format: perSecond,
        ...perDisk(context, ["reads_per_second", "writes_per_second"], "sum"),
      };
    case "wait":
      return {
        ...LINES,
        unit: "ms per request",
        floor: 1,
        format: (value) => (value === null ? UNKNOWN : `${fixed(value, 1)} ms`),
        ...perDisk(context, ["read_await_ms", "write_await_ms"], "max"),
      };
    case "queue":
      return {
        ...LINES,
        unit: "requests waiting",
        floor: 1,
        format: (value) => fixed(value, 2),
        ...perDisk(context, ["queue_depth"]),
      };
    default:
      return {
        ...LINES,
        unit: "/s",
        bytes: true,
        format: byteRateText,
        series: [
          oneSeries("read", "disk.total_read_bytes_per_second", "s1"),
          oneSeries("written", "disk.total_write_bytes_per_second", "s2"),
        ],
      };
  }
}

function perDisk(
  { sample, slice }: ChartContext,
  fields: readonly string[],
  join?: SeriesSpec["join"],
) {
  return perRow(slice, "disks", rowNames(sample?.sections.disks), fields, join);
}
