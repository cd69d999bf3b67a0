/** The section `filesystems`. */
import { has } from "../../parts/presence";
import type { Section } from "../section";
import { Filesystems } from "./panel";

export const section: Section = {
  order: 80,
  panels: [
    {
      title: "Filesystems",
      place: "row",
      order: 10,
      isShown: has("filesystems"),
      Panel: Filesystems,
    },
  ],
  help: ["filesystems"],
};
