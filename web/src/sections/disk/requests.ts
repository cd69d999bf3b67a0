/** Values that several files of this section derive from one disk. */
import type { Disk } from "../../protocol/sections";

/** Return the longer of the mean waits of reads and writes, in ms. Null when no request completed. */
export function waitOf(disk: Disk): number | null {
  const waits = [disk.read_await_ms, disk.write_await_ms].filter((wait) => wait !== null);
  return waits.length === 0 ? null : Math.max(...waits);
}

/** Return whether the totals contain the disk. They leave out md and dm devices, which repeat their members. */
export function isPhysical(disk: Disk): boolean {
  return disk.counted ?? disk.kind === "disk";
}
