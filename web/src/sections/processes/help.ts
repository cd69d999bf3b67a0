/** What the help and the tooltips explain about this section. */
import type { SectionHelp } from "../section";

export const help: SectionHelp = {
  listed: [
    "processes",
    "processes.top[].cpu_percent",
    "processes.top[].memory_rss_bytes",
    "processes.top[].state",
    "processes.top[].command",
    "processes.top[].unit",
    "processes.top[].read_bytes_per_second",
  ],
};
