/** A series per device, for as many devices as there are colours. With more devices, the busiest in the window. */
import { rowKey } from "../store/flatten";
import type { Slice } from "../store/ring";
import { COLOURS, valuesOf, type SeriesSpec } from "./spec";

export interface RowName {
  /** As in the names of its columns. */
  readonly key: string;
  readonly label: string;
}

/** Return the names of the rows. A sensor is called by its label, unless several rows have the same one. */
export function rowNames(rows: readonly object[] | undefined): RowName[] {
  const counts = new Map<string, number>();
  const names = (rows ?? []).flatMap((row) => {
    const fields = row as Readonly<Record<string, unknown>>;
    const key = rowKey(fields);
    if (key === null) return [];
    const label =
      (typeof fields["label"] === "string" && rowKey({ ...fields, sensor: null })) || key;
    counts.set(label, (counts.get(label) ?? 0) + 1);
    return [{ key, label }];
  });
  return names.map(({ key, label }) => ({ key, label: counts.get(label) === 1 ? label : key }));
}

/** Return the series. The rows of the list `section` are the devices; `fields` become one value per device. */
export function perRow(
  slice: Slice | null,
  section: string,
  names: readonly RowName[],
  fields: readonly string[],
  join?: SeriesSpec["join"],
): { readonly series: SeriesSpec[]; readonly more: number } {
  const all = names.map(({ key, label }) => ({
    label,
    columns: fields.map((field) => `${section}.${key}.${field}`),
    colour: "s1" as const,
    ...(join !== undefined && { join }),
  }));
  const chosen = new Set(slice === null ? all.slice(0, COLOURS.length) : busiest(all, slice));
  // In the host's order, so that a device changes its colour only when the choice of devices changes.
  const series = all
    .filter((one) => chosen.has(one))
    .map((one, index) => ({ ...one, colour: COLOURS[index] ?? one.colour }));
  return { series, more: all.length - series.length };
}

function busiest<S extends SeriesSpec>(all: readonly S[], slice: Slice): readonly S[] {
  if (all.length <= COLOURS.length) return all;
  const sums = new Map(all.map((one) => [one, sum(valuesOf(one, slice))]));
  return [...all]
    .sort((one, other) => (sums.get(other) ?? 0) - (sums.get(one) ?? 0))
    .slice(0, COLOURS.length);
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
