/**
 * A sample as (column, value) pairs: `cpu.usage_percent`, `disk.devices.sda.util_percent`. Every
 * number of every section, an embedding program's own included, gets a column without a line of
 * code per metric; that is what lets charts and exports ask for any of them by name.
 */
import type { Sample } from "../protocol/frames";

/** What tells one row of a list from another, in order of preference. */
const IDENTITY = ["id", "name", "mountpoint", "device", "label", "sensor"] as const;
/** Lists whose rows come and go too fast to remember, or of which one number is enough. */
const ONLY: Readonly<Record<string, readonly string[]>> = { "cpu.cores": ["usage_percent"] };
const LEFT_OUT = new Set(["processes"]);

export function flatten(sample: Sample): [string, number][] {
  const pairs: [string, number][] = [];
  for (const group of [sample.sections, sample.custom]) {
    for (const [name, section] of Object.entries(group)) {
      if (!LEFT_OUT.has(name)) walk(name, section, pairs);
    }
  }
  const { memory } = sample.sections;
  if (memory?.available_bytes != null && memory.free_bytes != null) {
    // Given back on demand, but not idle: with used and free it adds up to all of memory.
    pairs.push([
      "memory.reclaimable_bytes",
      Math.max(0, memory.available_bytes - memory.free_bytes),
    ]);
  }
  return pairs;
}

function walk(path: string, value: unknown, pairs: [string, number][]): void {
  if (typeof value === "number") pairs.push([path, value]);
  else if (Array.isArray(value)) for (const row of value) walkRow(path, row, pairs);
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) walk(`${path}.${key}`, item, pairs);
  }
}

/** A row without a name of its own cannot be followed over time, so it is not remembered. */
function walkRow(path: string, row: unknown, pairs: [string, number][]): void {
  if (typeof row !== "object" || row === null) return;
  const fields = row as Record<string, unknown>;
  const key = rowKey(fields);
  if (key === null) return;
  const only = ONLY[path];
  for (const [field, item] of Object.entries(fields)) {
    if (only !== undefined ? !only.includes(field) : field === "id") continue;
    walk(`${path}.${key}.${field}`, item, pairs);
  }
}

export interface SensorName {
  readonly chip: string;
  readonly device: string | null;
  readonly sensor: string | null;
  readonly label: string | null;
}

/** Two sockets have two coretemps: only chip, device and label together say which sensor it is. */
export function sensorKey({ chip, device, sensor, label }: SensorName): string {
  return [chip, device, label ?? sensor].filter((part) => typeof part === "string").join(" ");
}

export function rowKey(fields: Record<string, unknown>): string | null {
  if (typeof fields["chip"] === "string") return sensorKey(fields as unknown as SensorName);
  for (const name of IDENTITY) {
    const value = fields[name];
    if (typeof value === "string" || typeof value === "number") return String(value);
  }
  return null;
}
