/** Words about devices that more than one place uses. */

/** Decimal bits, as links are sold: `1 Gbit/s`. */
export function linkSpeed(mbps: number | null): string | null {
  if (mbps === null || mbps <= 0) return null;
  return mbps >= 1000 ? `${Number((mbps / 1000).toFixed(1))} Gbit/s` : `${mbps} Mbit/s`;
}
