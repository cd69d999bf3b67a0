/** What the help and the tooltips explain about this section. */
import type { SectionHelp } from "../section";

export const help: SectionHelp = {
  texts: {
    "page.wait": {
      name: "wait",
      text: "Mean time from a request to the disk until its answer: of reads or writes, whichever is longer.",
      from: "/proc/diskstats",
    },
  },
  listed: ["disk", "disks", "disks[].util_percent", "page.wait"],
};
