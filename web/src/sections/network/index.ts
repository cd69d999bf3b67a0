/** The sections `network`, `interfaces`, `tcp`, `udp` and `sockets`. */
import { has } from "../../parts/presence";
import type { Section } from "../section";
import { chart } from "./chart";
import { Interfaces } from "./interfaces";
import { Tcp } from "./tcp";
import { NetworkTile } from "./tile";

export const section: Section = {
  order: 40,
  vital: {
    focus: "network",
    key: "n",
    label: "network",
    isShown: has("network", "interfaces"),
    Tile: NetworkTile,
    chart,
  },
  panels: [
    {
      title: "Interfaces",
      place: "row",
      order: 30,
      isShown: has("interfaces"),
      Panel: Interfaces,
    },
    { title: "TCP", place: "row", order: 40, isShown: has("tcp"), Panel: Tcp },
  ],
  texts: {
    "page.drops": {
      name: "drops",
      text: "Packets that interfaces dropped or received with errors, per second. Should be zero.",
      from: "/proc/net/dev",
    },
  },
  help: [
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
