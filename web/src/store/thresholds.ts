/**
 * Decides when a value is a warning and when it is critical. Colours and announcements depend on it; the sections define
 * the limits.
 *
 * An alert fires after 10 s above its limit and resolves after 30 s below 80 % of it, so that nothing flickers.
 */
export type Level = "warn" | "critical";

export interface Alert {
  readonly level: Level;
  /** For the title and for screen readers: `io stall`. */
  readonly label: string;
}

/** One measured value and its limits. */
export interface Reading {
  readonly id: string;
  readonly label: string;
  readonly value: number | null;
  readonly warn: number | null;
  readonly critical: number | null;
}

/** The history of one value that matters for its alert. Times are those of the samples, in seconds. */
interface Watch {
  readonly level: Level | null;
  readonly aboveSince: Readonly<Record<Level, number | null>>;
  readonly belowSince: number | null;
  readonly label: string;
}

export type Watches = ReadonlyMap<string, Watch>;

const FIRES_AFTER_SECONDS = 10;
const RESOLVES_AFTER_SECONDS = 30;
const RESOLVES_BELOW = 0.8;

/** Return a reading with at least one limit. A null limit does not apply. */
export function reading(
  id: string,
  label: string,
  value: number | null | undefined,
  limits: { readonly warn?: number | null; readonly critical?: number | null },
): Reading {
  const { warn = null, critical = null } = limits;
  return { id, label, value: value ?? null, warn, critical };
}

/** Return the watches after one more sample. A value that has no reading any more is forgotten. */
export function watch(before: Watches, readings: readonly Reading[], at: number): Watches {
  const after = new Map<string, Watch>();
  for (const one of readings) {
    const next = step(before.get(one.id), one, at);
    if (next !== null) after.set(one.id, next);
  }
  return after;
}

export function alertsOf(watches: Watches): ReadonlyMap<string, Alert> {
  const alerts = new Map<string, Alert>();
  for (const [id, { level, label }] of watches) {
    if (level !== null) alerts.set(id, { level, label });
  }
  return alerts;
}

/** Return the watch after one more value; null when the value is within its limits. */
function step(before: Watch | undefined, one: Reading, at: number): Watch | null {
  const { value, label } = one;
  if (value === null) return before ?? null;
  const since = (level: Level): number | null => {
    const limit = one[level];
    return limit !== null && value > limit ? (before?.aboveSince[level] ?? at) : null;
  };
  const aboveSince = { warn: since("warn"), critical: since("critical") };
  let level = before?.level ?? null;
  const fires = (from: number | null): boolean => from !== null && at - from >= FIRES_AFTER_SECONDS;
  if (fires(aboveSince.critical)) level = "critical";
  else if (level === null && fires(aboveSince.warn)) level = "warn";

  const limit = level === null ? null : one[level];
  const below = limit !== null && value <= limit * RESOLVES_BELOW;
  const belowSince = below ? (before?.belowSince ?? at) : null;
  if (belowSince !== null && at - belowSince >= RESOLVES_AFTER_SECONDS) {
    level = level === "critical" && aboveSince.warn !== null ? "warn" : null;
  }
  if (level === null && aboveSince.warn === null && aboveSince.critical === null) return null;
  return { level, aboveSince, belowSince, label };
}
