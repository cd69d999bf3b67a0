/** The sections `memory` and `swap`. */
import type { Section } from "../section";
import { chart } from "./chart";
import { derived } from "./reclaimable";
import { MemoryTile } from "./tile";

export const section: Section = {
  order: 20,
  vital: { focus: "memory", key: "m", label: "memory", Tile: MemoryTile, chart },
  derived,
};
