/** A missing device and a pool that is not online are critical. Errors that btrfs has counted are a warning. */
import { reading, type Reading } from "../../store/thresholds";
import type { BtrfsDevice, Sections } from "../../protocol/sections";

const NONE_ALLOWED = { critical: 0, margin: 0 };

export function readings({ storage }: Sections): Reading[] {
  return [
    ...(storage?.arrays ?? []).map(({ name, degraded }) =>
      reading(`array:${name}`, `${name} degraded`, degraded, NONE_ALLOWED),
    ),
    ...(storage?.pools ?? []).map(({ name, state }) =>
      reading(
        `pool:${name}`,
        `${name} ${state}`,
        state === null ? null : Number(state !== "ONLINE"),
        NONE_ALLOWED,
      ),
    ),
    ...(storage?.btrfs ?? []).map((device) =>
      reading(btrfsId(device), "btrfs errors", errorsOf(device), { warn: 0, margin: 0 }),
    ),
  ];
}

export function btrfsId({ uuid, device_id }: BtrfsDevice): string {
  return `btrfs:${uuid} ${device_id}`;
}

/** Return the number of all errors, of which a missing device is one; null if the kernel does not count them. */
export function errorsOf(device: BtrfsDevice): number | null {
  const { missing, read_errors, write_errors, flush_errors } = device;
  if (missing !== true && read_errors === null) return null;
  const others = (device.corruption_errors ?? 0) + (device.generation_errors ?? 0);
  return Number(missing) + (read_errors ?? 0) + (write_errors ?? 0) + (flush_errors ?? 0) + others;
}
