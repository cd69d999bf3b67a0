/** Sections that the server does not define: an embedding program publishes them. */
import { lazy } from "react";

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
      Panel: lazy(async () => ({ default: (await import("./panel")).CustomSections })),
    },
  ],
  texts: {
    "page.custom": {
      name: "Custom section",
      text: "Published by the program that embeds telemetry_stream.",
      from: "that program",
    },
  },
  help: ["page.custom"],
};
