/**
 * The messages of `/ws?hosts=*` and the answers of `/api/v1/hosts` and `/api/v1/sparklines`, decoded (docs/protocol.md,
 * "Other hosts"). A front end repeats what its hosts send, so the number of rows and the length of texts have limits, and
 * an entry that cannot be decoded is left out. Unknown columns and states are tolerated.
 */
import { field, list, maybe, number, object, record, ShapeError, text } from "../protocol/shape";
import { parseShown } from "../protocol/shown";
import type { Level } from "../store/alerts";
import { STATES, type State } from "./states";

/** The numbers of a row. The first ones are those of the section `vitals`. */
export const COLUMNS = [
  "cpu",
  "memory",
  "swap",
  "load",
  "pressure",
  "disk",
  "filesystem",
  "rx",
  "tx",
  "celsius",
] as const;
export type Column = (typeof COLUMNS)[number];
export type Values = Readonly<Record<Column, number | null>>;

/** Ten times as many as a front end accepts by default. */
export const MAX_HOSTS = 10_000;
const MAX_NAME = 128;
const MAX_REASON = 300;
const MAX_ALERT = 120;
const MAX_TAGS = 32;
const MAX_POINTS = 300;

export interface HostName {
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly site: string;
  readonly tags: readonly string[];
}

/** How many alerts of a host fire. */
export interface HostAlerts extends Readonly<Record<Level, number>> {
  /** The text of the worst one; null if nothing fires. */
  readonly text: string | null;
}

export interface Reading {
  readonly number: number;
  readonly state: State;
  /** Null if there have been no values. */
  readonly ageSeconds: number | null;
  /** How far the clock of the front end is ahead of the host's; null where the difference is small. */
  readonly skewSeconds: number | null;
  readonly values: Values;
  /** Null if nothing is known of them, such as those of an older host. */
  readonly alerts: HostAlerts | null;
}

export interface Names {
  readonly revision: number;
  readonly hosts: readonly HostName[];
  /** The hosts beyond the limit. */
  readonly more: number;
}

export type OverviewFrame =
  | ({ readonly type: "hosts" } & Names)
  | { readonly type: "overview"; readonly revision: number; readonly readings: readonly Reading[] }
  | { readonly type: "ignored" }
  | { readonly type: "error"; readonly reason: string };

/** The answer of `/api/v1/hosts`: names, values, and why there are none. */
export interface HostsReport extends Names {
  readonly readings: readonly Reading[];
  /** By number. */
  readonly reasons: ReadonlyMap<number, string>;
  /** Those of the front end; null if it does not report them here. */
  readonly version: string | null;
  /** The name of this viewer's token; null if none is required. */
  readonly user: string | null;
}

/** One host: the last values of each series, oldest first, one per sample. */
export type Series = Readonly<Record<string, readonly (number | null)[]>>;

export function decodeOverview(message: unknown): OverviewFrame {
  if (typeof message !== "string") return { type: "error", reason: "not a text message" };
  try {
    const frame = object(parseShown(message));
    if (frame["type"] === "hosts") return { type: "hosts", ...names(frame) };
    if (frame["type"] === "overview") return overview(frame);
    return { type: "ignored" };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError)
      return { type: "error", reason: error.message };
    throw error;
  }
}

/** Throws ShapeError or SyntaxError. */
export function decodeHosts(body: string): HostsReport {
  const frame = object(parseShown(body));
  const entries = kept(field(frame, "hosts", listed), reported);
  return {
    ...names(frame),
    readings: entries.map(({ reading }) => reading),
    reasons: new Map(
      entries.flatMap(({ reading, reason }) =>
        reason === null ? [] : [[reading.number, short(reason, MAX_REASON)]],
      ),
    ),
    version: maybe(text)(frame["version"]),
    user: maybe(text)(frame["user"]),
  };
}

/** Return the series by the id of their host. Throws ShapeError or SyntaxError. */
export function decodeSparklines(body: string): ReadonlyMap<string, Series> {
  const found = new Map<string, Series>();
  const values = list(maybe(number));
  const { sparklines } = object(parseShown(body));
  for (const [id, series] of Object.entries(object(sparklines)).slice(0, MAX_HOSTS)) {
    try {
      const known = Object.entries(object(series)).filter(([name]) => isColumn(name));
      found.set(
        id,
        Object.fromEntries(
          known.map(([name, points]) => [name, values(points).slice(-MAX_POINTS)]),
        ),
      );
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
    }
  }
  return found;
}

const nameFields = record({
  number,
  id: text,
  name: text,
  site: maybe(text),
  tags: maybe(list(text)),
});

function hostName(value: unknown): HostName | null {
  const { number: at, id, name, site, tags } = nameFields(value);
  // A shortened id would be that of another host.
  if (id.length > MAX_NAME) return null;
  return {
    number: at,
    id,
    name: short(name, MAX_NAME),
    site: short(site ?? "", MAX_NAME),
    tags: (tags ?? []).slice(0, MAX_TAGS).map((tag) => short(tag, MAX_NAME)),
  };
}

function names(frame: Record<string, unknown>): Names {
  const entries = field(frame, "hosts", listed);
  const hosts = kept(entries, hostName);
  return {
    revision: field(frame, "revision", number),
    hosts,
    more: Math.max(0, entries.length - MAX_HOSTS),
  };
}

function overview(frame: Record<string, unknown>): OverviewFrame {
  const columns = field(frame, "columns", list(text));
  const at = {
    number: columns.indexOf("number"),
    state: columns.indexOf("state"),
    age: columns.indexOf("age_seconds"),
    skew: columns.indexOf("skew_seconds"),
    ...{ critical: columns.indexOf("critical"), warning: columns.indexOf("warning") },
    ...{ info: columns.indexOf("info"), alert: columns.indexOf("alert") },
  };
  const places = COLUMNS.map((column) => columns.indexOf(column));
  const readings = kept(field(frame, "rows", listed), (row): Reading | null => {
    if (!Array.isArray(row)) return null;
    const cells: readonly unknown[] = row;
    return {
      number: number(cells[at.number]),
      state: stateOf(cells[at.state]),
      ageSeconds: maybeNumber(cells[at.age]),
      skewSeconds: maybeNumber(cells[at.skew]),
      values: valuesBy((_, index) => cells[places[index] ?? -1]),
      alerts: alertsBy((name) => cells[at[name]]),
    };
  });
  return { type: "overview", revision: field(frame, "revision", number), readings };
}

function reported(value: unknown): { reading: Reading; reason: string | null } {
  const entry = object(value);
  const vitals = entry["vitals"] == null ? {} : object(entry["vitals"]);
  const alerts = entry["alerts"] == null ? {} : object(entry["alerts"]);
  return {
    reading: {
      number: number(entry["number"]),
      state: stateOf(entry["state"]),
      ageSeconds: maybeNumber(entry["age_seconds"]),
      skewSeconds: maybeNumber(entry["skew_seconds"]),
      values: valuesBy((column) => vitals[column]),
      alerts: alertsBy((name) => alerts[name]),
    },
    reason: maybe(text)(entry["reason"]),
  };
}

function valuesBy(valueOf: (column: Column, index: number) => unknown): Values {
  const values = {} as Record<Column, number | null>;
  COLUMNS.forEach((column, index) => {
    values[column] = maybeNumber(valueOf(column, index));
  });
  return values;
}

type AlertColumn = "critical" | "warning" | "info" | "alert";

function alertsBy(valueOf: (column: AlertColumn) => unknown): HostAlerts | null {
  const critical = maybeNumber(valueOf("critical"));
  if (critical === null) return null;
  const worst = valueOf("alert");
  return {
    critical,
    warn: maybeNumber(valueOf("warning")) ?? 0,
    info: maybeNumber(valueOf("info")) ?? 0,
    text: typeof worst === "string" ? short(worst, MAX_ALERT) : null,
  };
}

function listed(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new ShapeError("a list", value);
  return value;
}

/** Return the entries that can be decoded, up to the limit. */
function kept<T>(entries: readonly unknown[], decode: (entry: unknown) => T | null): T[] {
  const found: T[] = [];
  for (const entry of entries.slice(0, MAX_HOSTS)) {
    try {
      const decoded = decode(entry);
      if (decoded !== null) found.push(decoded);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
    }
  }
  return found;
}

function stateOf(value: unknown): State {
  return STATES.find((state) => state === value) ?? "unknown";
}

function isColumn(name: string): name is Column {
  return (COLUMNS as readonly string[]).includes(name);
}

function maybeNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function short(value: string, length: number): string {
  return value.length <= length ? value : `${value.slice(0, length - 1)}…`;
}
