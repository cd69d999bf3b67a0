/** Frequencies and throttling of the cores, as texts. */
import { fixed } from "../../format/numbers";
import type { Clocks, CoreClock } from "../../protocol/sections";

const MHZ_PER_GHZ = 1000;

/** Return whether cores are slowed down now; null if it is unknown. */
export function isThrottled({
  board,
  packages,
  core_throttles_per_second,
}: Clocks): boolean | null {
  const rates = [
    core_throttles_per_second,
    ...(packages ?? []).map((one) => one.throttles_per_second),
  ];
  const known = rates.filter((rate) => rate !== null);
  if (board?.is_throttled == null && known.length === 0) return null;
  return board?.is_throttled === true || known.some((rate) => rate > 0);
}

/** Return what slows the cores down, or could, for the tile; null if nothing does. */
export function slowdownOf(clocks: Clocks | null | undefined): string | null {
  if (clocks == null) return null;
  if (clocks.board?.is_under_voltage === true) return "under-voltage";
  if (isThrottled(clocks) === true) return "throttled";
  if (clocks.board?.is_frequency_capped === true) return "capped";
  return null;
}

/** Return the highest frequency of a core now, or null if none is known. */
export function fastest(clocks: Clocks | null | undefined): string | null {
  const known = (clocks?.cores ?? []).flatMap(({ frequency_mhz }) => frequency_mhz ?? []);
  return known.length === 0 ? null : ghz(Math.max(...known));
}

/** Return the text of one core: its number, and what is known of its frequency. */
export function coreText(id: number, clock: CoreClock | undefined): string {
  if (clock === undefined) return `core ${id}`;
  const { frequency_mhz, frequency_max_mhz, type, governor } = clock;
  const limit = frequency_max_mhz === null ? "" : ` of ${ghz(frequency_max_mhz)}`;
  const parts = [frequency_mhz === null ? null : `${ghz(frequency_mhz)}${limit}`, type, governor];
  return [`core ${id}`, ...parts.filter((part) => part !== null)].join(", ");
}

function ghz(mhz: number): string {
  return `${fixed(mhz / MHZ_PER_GHZ, 1)} GHz`;
}
