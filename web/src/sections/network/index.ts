/** The sections `network`, `interfaces`, `tcp`, `udp` and `sockets`. */
import { loadedPanel } from "../../parts/loaded";
import { has } from "../../parts/presence";
import type { Section } from "../section";
import { chart } from "./chart";
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
      Panel: loadedPanel("Interfaces", async () => (await import("./interfaces")).Interfaces),
    },
    {
      title: "TCP",
      place: "row",
      order: 40,
      isShown: has("tcp"),
      Panel: loadedPanel("TCP", async () => (await import("./tcp")).Tcp),
    },
  ],
};
