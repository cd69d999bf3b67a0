/** Space as df counts it, without the reserve for root, and inodes. A mount that does not answer has neither. */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";

const LIMITS = { warn: 90, critical: 97, margin: 1 };

export function readings({ filesystems }: Sections): Reading[] {
  return (filesystems ?? [])
    .filter(({ stale }) => stale !== true)
    .flatMap(({ mountpoint, used_percent, inodes_used_percent }) => [
      reading(`filesystem:${mountpoint}`, `${mountpoint} almost full`, used_percent, LIMITS),
      reading(
        `inodes:${mountpoint}`,
        `${mountpoint} inodes almost used up`,
        inodes_used_percent,
        LIMITS,
      ),
    ]);
}
