/** The section `filesystems`. */
import { loadedPanel } from "../../parts/loaded";
import { has } from "../../parts/presence";
import type { Section } from "../section";

export const section: Section = {
  order: 80,
  panels: [
    {
      title: "Filesystems",
      place: "row",
      order: 10,
      isShown: has("filesystems"),
      Panel: loadedPanel("Filesystems", async () => (await import("./panel")).Filesystems),
    },
  ],
};
