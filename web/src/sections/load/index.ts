/** The sections `load` and `pressure`: how much work waits. */
import type { Section } from "../section";
import { chart } from "./chart";
import { LoadTile } from "./tile";

export const section: Section = {
  order: 30,
  vital: { focus: "load", key: "i", label: "load", Tile: LoadTile, chart },
};
