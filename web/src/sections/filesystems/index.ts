/** The section `filesystems`. */
import { hasOrFailed } from "../../parts/presence";
import type { Section } from "../section";
import { Filesystems } from "./panel";
import { readings } from "./thresholds";

export const section: Section = {
  order: 80,
  panels: [
    {
      title: "Filesystems",
      place: "row",
      order: 10,
      isShown: hasOrFailed("filesystems"),
      Panel: Filesystems,
    },
  ],
  readings,
  help: ["filesystems"],
};
