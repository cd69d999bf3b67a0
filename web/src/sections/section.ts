/**
 * The contribution of a section to the page. Each folder beside this file has an `index.ts` that exports one such object
 * under the name `section`. The `index.ts` beside this file finds them all. Every part except `order` is optional.
 */
import type { ComponentType } from "react";

import type { ChartSpec } from "../charts/spec";
import type { Sample } from "../protocol/frames";
import type { Column } from "../store/flatten";
import type { BusyBy } from "../store/process-memory";
import type { Slice } from "../store/ring";
import type { Explanation } from "../protocol/explanations";
import type { Sections } from "../protocol/sections";

export interface Section {
  /** The place among the tiles, among the charts and in the help: low numbers come first. */
  readonly order: number;
  readonly vital?: Vital;
  readonly panels?: readonly SectionPanel[];
  /** A fact in the header, after those about the host. */
  readonly header?: ComponentType;
  /** Keys besides the one that focuses the vital. */
  readonly keys?: readonly SectionKey[];
  /** Values that the page computes and remembers like those of the server. */
  readonly derived?: (sections: Sections) => Column[];
}

/**
 * What a section adds to the help and the tooltips: in a file `help.ts` of its own, which exports it under the name `help`,
 * because it is loaded later than the rest.
 */
export interface SectionHelp {
  /** Explanations of names that only the page has; their keys begin with `page.`. */
  readonly texts?: Readonly<Record<string, Explanation>>;
  /** The explanations that the help lists: keys of `texts`, or paths on the wire. */
  readonly listed: readonly string[];
}

/** A quantity with a tile and a chart. The tile is the button that focuses the chart. */
export interface Vital {
  /** The name in the address. */
  readonly focus: string;
  /** The key that focuses it, and what the help calls it. */
  readonly key: string;
  readonly label: string;
  /** Return whether this host has the vital; by default, every host has it. Before the first sample, `sample` is null. */
  readonly isShown?: (sample: Sample | null) => boolean;
  readonly Tile: ComponentType;
  readonly chart: SectionChart;
}

export interface SectionChart {
  /** Two charts with the same place take turns: the one in focus is shown, else the first. By default, `order`. */
  readonly place?: number;
  /** The names of its views, in the order in which its key goes through them. The first one is the default. */
  readonly facets: readonly string[];
  /** The sections whose alerts it marks, as its tile does. */
  readonly about: readonly string[];
  /** Which processes are named at a spike: those with the most of this. By default `cpu`. */
  readonly busyBy?: BusyBy;
  readonly draw: (context: ChartContext) => ChartSpec;
}

export interface ChartContext {
  readonly sample: Sample | null;
  readonly facet: string;
  /** The window and the minute before it; null where only the names of the series matter. */
  readonly slice: Slice | null;
  readonly focused: boolean;
}

export interface SectionPanel {
  readonly title: string;
  /** `side`: beside the charts. `column`: most hosts have few of these, so they share one column of the row. */
  readonly place: "side" | "row" | "column";
  readonly order: number;
  /** Return whether the panel has something to show. Before the first sample, `sample` is null. */
  readonly isShown: (sample: Sample | null) => boolean;
  readonly Panel: ComponentType;
}

export interface SectionKey {
  readonly key: string;
  /** For the help. */
  readonly does: string;
  readonly run: () => void;
}
