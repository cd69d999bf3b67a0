/** The section `processes`, which the server collects only while a viewer asks for it. */
import type { Section } from "../section";
import { FILTER_ID } from "./filter";
import { ProcessPanel } from "./panel";

export const section: Section = {
  order: 70,
  panels: [
    { title: "Processes", place: "side", order: 10, isShown: () => true, Panel: ProcessPanel },
  ],
  keys: [
    {
      key: "/",
      does: "filter processes; Esc clears the filter",
      run: () => {
        document.getElementById(FILTER_ID)?.focus();
      },
    },
  ],
  help: [
    "processes",
    "processes.top[].cpu_percent",
    "processes.top[].memory_rss_bytes",
    "processes.top[].state",
  ],
};
