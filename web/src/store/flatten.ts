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

export function rowKey(fields: Record<string, unknown>): string | null {
  // Two sockets have two coretemps: chip and label only together say which sensor it is.
  if (typeof fields["chip"] === "string") {
    const rest = [fields["label"] ?? fields["sensor"]].filter((part) => typeof part === "string");
    return [fields["chip"], ...rest].join(" ");
  }
  for (const name of IDENTITY) {
    const value = fields[name];
    if (typeof value === "string" || typeof value === "number") return String(value);
  }
  return null;
}
