/** Long names, made short enough for the place where they are shown. */

/** `Ryzen 9 7950X` from `AMD Ryzen 9 7950X 16-Core Processor`. */
export function shortCpu(model: string): string {
  return model
    .replace(/\((R|TM|C)\)/gi, "")
    .replace(/@.*/s, "")
    .replace(/\b(AMD|Intel|CPU|Processor|\d+-Core)\b/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** `oldest job` from `oldest_job`. */
export function spacedName(key: string): string {
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

export type Unit = (typeof SUFFIXES)[number][1] | "count";

/** Splits the unit off a name: `queue_bytes` is `queue` in bytes. A name without a unit is a count. */
export function splitUnit(key: string): { readonly name: string; readonly unit: Unit } {
  for (const [suffix, unit] of SUFFIXES) {
    if (key.endsWith(suffix) && key.length > suffix.length) {
      return { name: spacedName(key.slice(0, -suffix.length)), unit };
    }
  }
  return { name: spacedName(key), unit: "count" };
}
