/** What the help and the tooltips explain about this section. */
import type { SectionHelp } from "../section";

export const help: SectionHelp = {
  texts: {
    "page.stream": {
      name: "This stream",
      text: "How the samples get to this page, and what that costs.",
      from: "the server and this page",
    },
    "page.delay": {
      name: "delay",
      text: "Delay of the newest sample compared with the fastest sample of the last ten minutes: time in the network, in queues and in this browser.",
      from: "this page",
    },
    "page.missed": {
      name: "missed",
      text: "Samples that did not arrive since this page was opened. Charts show them as gaps.",
      from: "jumps in seq",
    },
    "page.viewers": {
      name: "viewers",
      text: "Connections that receive samples. This page counts too, and once more for each table of processes or containers on screen.",
      from: "the server",
    },
    "page.per_viewer": {
      name: "per viewer",
      text: "Bytes per second that this page receives, with the tables of processes and containers while they are on screen.",
      from: "this page",
    },
  },
  listed: [
    "page.stream",
    "page.delay",
    "page.missed",
    "page.viewers",
    "self.cpu_percent",
    "self.memory_rss_bytes",
    "page.per_viewer",
  ],
};
