/** Long names of things, short enough for the place they stand in. */

/** `Ryzen 9 7950X` from `AMD Ryzen 9 7950X 16-Core Processor`. */
export function shortCpu(model: string): string {
  return model
    .replace(/\((R|TM|C)\)/gi, "")
    .replace(/\s*(CPU )?@.*$/, "")
    .replace(/\b(AMD|Intel|CPU|Processor|\d+-Core)\b/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** `oldest seconds` from `oldest_seconds`; the unit is split off where the name carries one. */
export function spoken(key: string): string {
  return key.replaceAll("_", " ");
}

const SUFFIXES = [
  ["_bytes_per_second", "byteRate"],
  ["_bytes", "bytes"],
  ["_percent", "percent"],
  ["_seconds", "duration"],
  ["_celsius", "celsius"],
  ["_ms", "ms"],
  ["_per_second", "perSecond"],
] as const;

export type Kind = (typeof SUFFIXES)[number][1] | "count";

/** Units live in names: `queue_bytes` is `queue`, written as bytes. */
export function splitUnit(key: string): { readonly name: string; readonly kind: Kind } {
  for (const [suffix, kind] of SUFFIXES) {
    if (key.endsWith(suffix) && key.length > suffix.length) {
      return { name: spoken(key.slice(0, -suffix.length)), kind };
    }
  }
  return { name: spoken(key), kind: "count" };
}
