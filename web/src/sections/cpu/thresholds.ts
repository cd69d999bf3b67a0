/** CPU use and iowait have no threshold: a busy core does its job. Steal has: this machine waits for its host. */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";

export function readings({ cpu }: Sections): Reading[] {
  return [reading("steal", "steal", cpu?.steal_percent, { warn: 5, critical: 20, margin: 1 })];
}
