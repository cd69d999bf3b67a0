/** A wait above 100 ms is slow for any disk. Busy time has no threshold: an NVMe disk that is 100 % busy is not full. */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";
import { waitOf } from "./requests";

export function readings({ disks }: Sections): Reading[] {
  return (disks ?? []).map((disk) =>
    reading(`wait:${disk.name}`, `${disk.name} slow`, waitOf(disk), { warn: 100, margin: 20 }),
  );
}
