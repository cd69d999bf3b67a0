/** The section `cpu`: how busy the cores are. */
import type { Section } from "../section";
import { chart } from "./chart";
import { CpuTile } from "./tile";

export const section: Section = {
  order: 10,
  vital: { focus: "cpu", key: "c", label: "CPU", Tile: CpuTile, chart },
};
