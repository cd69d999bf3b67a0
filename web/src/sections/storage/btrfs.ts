/** The devices of btrfs, whose errors the kernel counts. */
import type { BtrfsDevice } from "../../protocol/sections";

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
