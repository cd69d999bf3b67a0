/** The sections `disk` and `disks`. */
import { loadedPanel } from "../../parts/loaded";
import { has } from "../../parts/presence";
import type { Section } from "../section";
import { chart } from "./chart";
import { DiskTile } from "./tile";

export const section: Section = {
  order: 50,
  vital: {
    focus: "disk",
    key: "d",
    label: "disk",
    isShown: has("disk", "disks"),
    Tile: DiskTile,
    chart,
  },
  panels: [
    {
      title: "Disks",
      place: "row",
      order: 20,
      isShown: has("disks"),
      Panel: loadedPanel("Disks", async () => (await import("./panel")).Disks),
    },
  ],
};
