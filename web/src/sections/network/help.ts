/** What the help and the tooltips explain about this section. */
import type { SectionHelp } from "../section";

export const help: SectionHelp = {
  texts: {
    "page.drops": {
      name: "drops",
      text: "Packets that interfaces dropped or received with errors, per second. Should be zero.",
      from: "/proc/net/dev",
    },
  },
  listed: [
    "network",
    "tcp.retransmits_per_second",
    "page.drops",
    "interfaces",
    "tcp",
    "tcp.states.established",
    "tcp.states.time_wait",
    "tcp.states.close_wait",
    "tcp.states.syn_recv",
    "tcp.states.listen",
  ],
};
