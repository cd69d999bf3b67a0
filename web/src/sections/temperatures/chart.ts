/** The chart of temperatures: one line per sensor. */
import { perRow, rowNames } from "../../charts/rows";
import type { ChartSpec } from "../../charts/spec";
import { fixed, UNKNOWN } from "../../format/numbers";
import type { ChartContext, SectionChart } from "../section";

export const FACETS = ["sensors"];

/** The place of the disk chart, which is `order` of that section. */
const PLACE_OF_DISK = 50;

export const ABOUT = ["temperatures"];

export const chart: SectionChart = { place: PLACE_OF_DISK, facets: FACETS, about: ABOUT, draw };

function draw({ sample, slice }: ChartContext): ChartSpec {
  return {
    name: "Temperature",
    explains: "page.hottest",
    unit: "°C",
    kind: "steps",
    floor: 40,
    format: (value) => (value === null ? UNKNOWN : `${fixed(value, 0)} °C`),
    ...perRow(slice, "temperatures", rowNames(sample?.sections.temperatures), ["celsius"]),
  };
}
