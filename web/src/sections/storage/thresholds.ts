/** A missing device and a pool that is not online are critical. Errors that btrfs has counted are a warning. */
import { reading, type Reading } from "../../store/thresholds";
import type { BtrfsDevice, Sections } from "../../protocol/sections";

const NONE_ALLOWED = { critical: 0, margin: 0 };

export function readings({ storage }: Sections): Reading[] {
  return [
    ...(storage?.arrays ?? []).map(({ name, degraded }) =>
      reading(`array:${name}`, `${name} degraded`, degraded, NONE_ALLOWED),
    ),
    ...(storage?.pools ?? []).map(({ name, state, online }) =>
      reading(
        `pool:${name}`,
        `${name} ${(state ?? "").toLowerCase()}`,
        online === null ? null : Number(!online),
        NONE_ALLOWED,
      ),
    ),
    ...(storage?.btrfs ?? []).flatMap((device) => [
      reading(`btrfs:${idOf(device)}`, `${nameOf(device)} errors`, errorsOf(device), {
        warn: 0,
        margin: 0,
      }),
      reading(
        `missing:${idOf(device)}`,
        `${nameOf(device)} missing`,
        device.missing === null ? null : Number(device.missing),
        NONE_ALLOWED,
      ),
    ]),
  ];
}

export function idOf({ uuid, device_id }: BtrfsDevice): string {
  return `${uuid} ${device_id}`;
}

/** Return the label or the beginning of the id of the filesystem, and the number of the device. */
export function nameOf({ uuid, filesystem_label, device_id }: BtrfsDevice): string {
  return `${filesystem_label ?? uuid.slice(0, 8)} ${device_id}`;
}

/** Return the number of all errors; null if the kernel does not count them. */
export function errorsOf(device: BtrfsDevice): number | null {
  const known = [
    device.write_errors,
    device.read_errors,
    device.flush_errors,
    device.corruption_errors,
    device.generation_errors,
  ].filter((errors) => errors !== null);
  return known.length === 0 ? null : known.reduce((sum, errors) => sum + errors, 0);
}
