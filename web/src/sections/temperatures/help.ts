/** What the help and the tooltips explain about this section. */
import type { SectionHelp } from "../section";

export const help: SectionHelp = {
  texts: {
    "page.hottest": {
      name: "Temperature",
      text: "The hottest sensor, with the limits that its chip defines.",
      from: "/sys/class/hwmon",
    },
  },
  listed: ["page.hottest", "temperatures"],
};
