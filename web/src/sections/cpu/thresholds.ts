/**
 * CPU use and iowait have no threshold: a busy core does its job. Steal has: this machine waits for its host. A supply
 * that is too weak, and cores that are slowed down, have one, too.
 */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";
import { isThrottled } from "./clocks";

export function readings({ cpu }: Sections): Reading[] {
  const found = [
    reading("steal", "steal", cpu?.steal_percent, { warn: 5, critical: 20, margin: 1 }),
  ];
  const clocks = cpu?.clocks;
  if (clocks == null) return found;
  const flag = (value: boolean | null | undefined) => (value == null ? null : Number(value));
  return [
    ...found,
    reading("under-voltage", "under-voltage", flag(clocks.board?.is_under_voltage), {
      critical: 0.5,
      margin: 0.1,
    }),
    reading("throttled", "CPU throttled", flag(isThrottled(clocks)), { warn: 0.5, margin: 0.1 }),
  ];
}
