/** Values that several files of this section derive from one interface. */
import type { Interface } from "../../protocol/sections";

const BITS_PER_BYTE = 8;
const BITS_PER_MEGABIT = 1e6;

/** Return the speed in decimal bits, as links are sold: `1 Gbit/s`. Null when the kernel does not know it. */
export function linkSpeed(mbps: number | null): string | null {
  if (mbps === null || mbps <= 0) return null;
  return mbps >= 1000 ? `${Number((mbps / 1000).toFixed(1))} Gbit/s` : `${mbps} Mbit/s`;
}

/** Return the busier direction as a share of the link speed: 1 is a full link. Null when speed or bytes are not known. */
export function linkUse(one: Interface): number | null {
  if (one.speed_mbps === null || one.speed_mbps <= 0) return null;
  const bytes = Math.max(one.rx_bytes_per_second ?? -1, one.tx_bytes_per_second ?? -1);
  return bytes < 0 ? null : (bytes * BITS_PER_BYTE) / (one.speed_mbps * BITS_PER_MEGABIT);
}

/** Return the errors and drops of both directions, per second, as far as they are known; null when none is. */
export function faultsOf(all: readonly Interface[]): number | null {
  return all
    .flatMap((one) => [
      one.rx_errors_per_second,
      one.tx_errors_per_second,
      one.rx_drops_per_second,
      one.tx_drops_per_second,
    ])
    .reduce((sum, rate) => (rate === null ? sum : (sum ?? 0) + rate), null);
}
