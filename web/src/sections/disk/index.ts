/** The sections `disk` and `disks`. */
import { has } from "../../parts/presence";
import type { Section } from "../section";
import { chart } from "./chart";
import { Disks } from "./panel";
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
  panels: [{ title: "Disks", place: "row", order: 20, isShown: has("disks"), Panel: Disks }],
  texts: {
    "page.wait": {
      name: "wait",
      text: "Mean time from a request to the disk until its answer: of reads or writes, whichever is longer.",
      from: "/proc/diskstats",
    },
  },
  help: ["disk", "disks", "disks[].util_percent", "page.wait"],
};
