/** The section `temperatures`. */
import type { Sample } from "../../protocol/frames";
import { hasFailed } from "../../parts/presence";
import type { Section } from "../section";
import { chart } from "./chart";
import { Temperatures } from "./panel";
import { HeatTile } from "./tile";

const hasSensors = (sample: Sample | null): boolean =>
  sample === null ||
  (sample.sections.temperatures?.length ?? 0) > 0 ||
  hasFailed(sample, "temperatures");

export const section: Section = {
  order: 60,
  vital: {
    focus: "heat",
    key: "h",
    label: "temperature",
    isShown: hasSensors,
    Tile: HeatTile,
    chart,
  },
  panels: [
    {
      title: "Temperatures",
      place: "column",
      order: 10,
      isShown: hasSensors,
      Panel: Temperatures,
    },
  ],
  texts: {
    "page.hottest": {
      name: "Temperature",
      text: "The hottest sensor, with the limits that its chip defines.",
      from: "/sys/class/hwmon",
    },
  },
  help: ["page.hottest", "temperatures"],
};
