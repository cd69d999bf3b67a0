/** The section `self`, and what the page measures of its own stream. */
import { loadedPanel } from "../../parts/loaded";
import type { Section } from "../section";

export const section: Section = {
  order: 110,
  panels: [
    {
      title: "This stream",
      place: "row",
      order: 60,
      isShown: () => true,
      Panel: loadedPanel("This stream", async () => (await import("./panel")).ThisStream),
    },
  ],
};
