/** Memory that the kernel frees on demand. With used and free memory it adds up to all of memory. */
import type { Column } from "../../store/flatten";
import type { Sections } from "../../protocol/sections";

export const RECLAIMABLE = "memory.reclaimable_bytes";

export function derived({ memory }: Sections): Column[] {
  if (memory?.available_bytes == null || memory.free_bytes == null) return [];
  return [[RECLAIMABLE, Math.max(0, memory.available_bytes - memory.free_bytes)]];
}
