/** The section `processes`, which the server collects only while a viewer asks for it. */
import type { Section } from "../section";
import { ALL_ID, FILTER_ID, NEXT_ID, PREVIOUS_ID } from "./ids";
import { ProcessPanel } from "./panel";

/** The buttons exist only while the table shows them. */
const click = (id: string) => () => {
  document.getElementById(id)?.click();
};

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
    { key: "e", does: "list every process in pages, or the busiest ones", run: click(ALL_ID) },
    { key: ",", does: "previous page of the list of processes", run: click(PREVIOUS_ID) },
    { key: ".", does: "next page of the list of processes", run: click(NEXT_ID) },
  ],
};
