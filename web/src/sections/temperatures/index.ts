/** The section `temperatures`. */
import type { Sample } from "../../protocol/frames";
import { loadedPanel } from "../../parts/loaded";
import { hasFailed } from "../../parts/presence";
import type { Section } from "../section";
import { chart } from "./chart";
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
      Panel: loadedPanel("Temperatures", async () => (await import("./panel")).Temperatures),
    },
  ],
};
