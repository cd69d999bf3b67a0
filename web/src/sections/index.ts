/**
 * Finds every section and puts together what they add to the page. Only this file and `help.ts` import the folders
 * beside them; everything else takes the sections from here.
 */
import { memo } from "react";

import type { Sample } from "../protocol/frames";
import { flatten, type Column } from "../store/flatten";
import type { Section, SectionKey, SectionPanel, Vital } from "./section";

const modules = import.meta.glob<Section>("./*/index.ts", { eager: true, import: "section" });
const SORTED = Object.entries(modules).sort(([, one], [, other]) => one.order - other.order);
const SECTIONS = SORTED.map(([, section]) => section);

/** Their folders, in the same order. */
export const FOLDERS: readonly string[] = SORTED.map(([path]) => path.replace("/index.ts", ""));

/** A vital with the place of its chart. */
export type PlacedVital = Vital & { readonly place: number };

export const VITALS: readonly PlacedVital[] = SECTIONS.flatMap(({ order, vital }) =>
  vital === undefined ? [] : [{ ...vital, place: vital.chart.place ?? order }],
);

/** With memo, because the page draws the rows of panels with each sample, but not each panel has new values then. */
export const PANELS: readonly SectionPanel[] = SECTIONS.flatMap(({ panels }) => panels ?? [])
  .map((panel) => ({ ...panel, Panel: memo(panel.Panel) }))
  .sort((one, other) => one.order - other.order);

export const HEADER_FACTS = SECTIONS.flatMap(({ header }) => header ?? []);

export const SECTION_KEYS: readonly SectionKey[] = SECTIONS.flatMap(({ keys }) => keys ?? []);

/** Return every number of a sample that the page remembers, with the name of its column. */
export function columnsOf(sample: Sample): Column[] {
  const columns = flatten(sample);
  for (const { derived } of SECTIONS) if (derived) columns.push(...derived(sample.sections));
  return columns;
}

/** Return whether this host has the vital. */
export function isOnHost({ isShown }: Vital, sample: Sample | null): boolean {
  return isShown?.(sample) !== false;
}

/** Return the vitals whose charts are shown, top to bottom: of each place the one in focus, else the first. */
export function chartsFor(sample: Sample | null, focus: string): PlacedVital[] {
  const shown = new Map<number, PlacedVital>();
  for (const vital of VITALS) {
    if (!isOnHost(vital, sample)) continue;
    if (!shown.has(vital.place) || vital.focus === focus) shown.set(vital.place, vital);
  }
  return [...shown.values()].sort((one, other) => one.place - other.place);
}
