/** What the help and the tooltips explain about this section. */
import type { SectionHelp } from "../section";

export const help: SectionHelp = {
  texts: {
    "page.custom": {
      name: "Custom section",
      text: "Published by the program that embeds telemetry_stream.",
      from: "that program",
    },
  },
  listed: ["page.custom"],
};
