/** Sections that the server does not define: an embedding program publishes them. */
import { loaded } from "../../parts/loaded";
import type { Section } from "../section";
import { namesOf } from "./names";

export const section: Section = {
  order: 100,
  panels: [
    {
      title: "Custom sections",
      place: "column",
      order: 30,
      isShown: (sample) => sample !== null && namesOf(sample).length > 0,
      Panel: loaded(async () => (await import("./panel")).CustomSections),
    },
  ],
};
