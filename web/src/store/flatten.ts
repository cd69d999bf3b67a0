/**
 * A sample as columns: `cpu.usage_percent`, `disks.sda.util_percent`. Every number of every section gets a column, also
 * those of an embedding program, without code for each metric. Charts and exports ask for columns by name.
 */
import type { Sample } from "../protocol/frames";

export type Column = readonly [name: string, value: number];

/** The fields that can tell one row of a list from another, the best one first. */
const IDENTITY = ["id", "name", "mountpoint", "device", "label", "sensor"] as const;

/** Return the known numbers of a sample, each with the name of its column. */
export function flatten(sample: Sample): Column[] {
  const columns: Column[] = [];
  for (const group of [sample.sections, sample.custom]) {
    for (const [name, section] of Object.entries(group)) add(name, section, columns);
  }
  return columns;
}

function add(name: string, value: unknown, columns: Column[]): void {
  if (typeof value === "number") columns.push([name, value]);
  else if (Array.isArray(value)) for (const row of value) addRow(name, row, columns);
  else if (typeof value === "object" && value !== null) {
    for (const [field, item] of Object.entries(value)) add(`${name}.${field}`, item, columns);
  }
}

/** A row without a key cannot be followed over time, so it has no columns. */
function addRow(name: string, row: unknown, columns: Column[]): void {
  if (typeof row !== "object" || row === null) return;
  const key = rowKey(row as Record<string, unknown>);
  if (key === null) return;
  for (const [field, item] of Object.entries(row)) {
    if (field !== "id") add(`${name}.${key}.${field}`, item, columns);
  }
}

export interface SensorName {
  readonly chip: string;
  readonly device: string | null;
  readonly sensor: string | null;
  readonly label: string | null;
}

/**
 * Return chip, device, label and sensor. A host with two sockets has two chips named coretemp with the same labels, and
 * dell_smm gives several of its sensors one label.
 */
export function sensorKey({ chip, device, sensor, label }: SensorName): string {
  return [chip, device, label, sensor].filter((part) => typeof part === "string").join(" ");
}

/** Return the name that tells a row of a list from the others; null when the row has none. Processes come and go. */
export function rowKey(fields: Record<string, unknown>): string | null {
  if (typeof fields["pid"] === "number") return null;
  if (typeof fields["chip"] === "string") return sensorKey(fields as unknown as SensorName);
  for (const name of IDENTITY) {
    const value = fields[name];
    if (typeof value === "string" || typeof value === "number") return String(value);
  }
  return null;
}
