/** What the help and the tooltips explain about this section. */
import type { SectionHelp } from "../section";

export const help: SectionHelp = {
  texts: {
    "page.reclaimable": {
      name: "reclaimable",
      text: "Available but not free: cache that the kernel frees when programs need memory.",
      from: "/proc/meminfo MemAvailable \u2212 MemFree",
    },
  },
  listed: ["memory", "memory.cached_bytes", "page.reclaimable", "swap"],
};
