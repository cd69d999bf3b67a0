/** Available memory, because used memory excludes cache; and swap traffic, because swap use alone is harmless. */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";

export function readings({ memory, swap }: Sections): Reading[] {
  const notAvailable = percentNotAvailable(memory?.available_bytes, memory?.total_bytes);
  return [
    reading("memory", "memory low", notAvailable, { warn: 90, critical: 96, margin: 2 }),
    reading("swap", "swapping in", swap?.in_bytes_per_second, {
      warn: 2 ** 20,
      margin: 2 ** 18,
    }),
  ];
}

function percentNotAvailable(
  available: number | null | undefined,
  total: number | null | undefined,
): number | null {
  return available == null || total == null || total === 0 ? null : 100 * (1 - available / total);
}
