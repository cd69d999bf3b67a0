/** A series per device, for as many devices as there are colours. With more devices, the busiest in the window. */
import { rowKey } from "../store/flatten";
import type { Slice } from "../store/ring";
import { COLOURS, valuesOf, type SeriesSpec } from "./spec";

export function rowNames(rows: readonly object[] | undefined): string[] {
  return (rows ?? [])
    .map((row) => rowKey(row as Record<string, unknown>))
    .filter((name) => name !== null);
}

/** Return the series. The rows of the list `section` are the devices; `fields` become one value per device. */
export function perRow(
  slice: Slice | null,
  section: string,
  names: readonly string[],
  fields: readonly string[],
  join?: SeriesSpec["join"],
): { readonly series: SeriesSpec[]; readonly more: number } {
  const all = names.map((name) => ({
    label: name,
    columns: fields.map((field) => `${section}.${name}.${field}`),
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
