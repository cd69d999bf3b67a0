/** The sections `memory` and `swap`. */
import type { Section } from "../section";
import { chart } from "./chart";
import { derived } from "./reclaimable";
import { MemoryTile } from "./tile";

export const section: Section = {
  order: 20,
  vital: { focus: "memory", key: "m", label: "memory", Tile: MemoryTile, chart },
  derived,
  texts: {
    "page.reclaimable": {
      name: "reclaimable",
      text: "Available but not free: cache that the kernel frees when programs need memory.",
      from: "/proc/meminfo MemAvailable \u2212 MemFree",
    },
  },
  help: ["memory", "memory.cached_bytes", "page.reclaimable", "swap"],
};
