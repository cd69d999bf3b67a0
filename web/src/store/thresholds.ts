/**
 * Decides when a value is a warning and when it is critical. Colours and announcements depend on it; the sections define
 * the limits. Pure; the time is that of the host's samples.
 *
 * An alert fires after 10 s above its limit, and resolves after 30 s at or below its limit minus its margin, so that
 * nothing flickers. The margin is absolute: of a filesystem that is 90 % full, 80 % of the limit would be 72 %.
 *
 * An unknown value neither fires nor resolves an alert, and the 10 s and the 30 s begin again after it. So does a gap,
 * because the values in it are unknown. An alert whose value was unknown for a minute ends: it would be a guess.
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
  /** In the unit of the value. */
  readonly margin: number;
}

/** The history of one value that matters for its alert. Times are those of the host, in seconds. */
interface Watch {
  readonly level: Level | null;
  readonly aboveSince: Readonly<Record<Level, number | null>>;
  readonly belowSince: number | null;
  /** When the value was last known. */
  readonly knownAt: number;
  readonly label: string;
}

export type Watches = ReadonlyMap<string, Watch>;

/** When a sample was taken, and whether the time since the one before is known. */
export interface Moment {
  readonly at: number;
  readonly afterGap: boolean;
}

const FIRES_AFTER_SECONDS = 10;
const RESOLVES_AFTER_SECONDS = 30;
const ENDS_AFTER_SECONDS = 60;

export interface Limits {
  readonly warn?: number | null;
  readonly critical?: number | null;
  readonly margin: number;
}

/** Return a reading with at least one limit. A null limit does not apply. */
export function reading(
  id: string,
  label: string,
  value: number | null | undefined,
  { warn = null, critical = null, margin }: Limits,
): Reading {
  return { id, label, value: value ?? null, warn, critical, margin };
}

/** Return the watches after one more sample. A value that has no reading any more is forgotten. */
export function watch(before: Watches, readings: readonly Reading[], moment: Moment): Watches {
  const after = new Map<string, Watch>();
  for (const one of readings) {
    const known = before.get(one.id);
    const next = step(known && remembered(known, moment), one, moment.at);
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

const NEVER: Pick<Watch, "aboveSince" | "belowSince"> = {
  aboveSince: { warn: null, critical: null },
  belowSince: null,
};

/** Return what is still known of a watch; undefined when nothing is. */
function remembered(before: Watch, { at, afterGap }: Moment): Watch | undefined {
  if (at - before.knownAt >= ENDS_AFTER_SECONDS && afterGap) return undefined;
  return afterGap ? { ...before, ...NEVER } : before;
}

/** Return the watch after one more value; null when the value is within its limits. */
function step(before: Watch | undefined, one: Reading, at: number): Watch | null {
  const { value, label, margin } = one;
  if (value === null) {
    const ends = before === undefined || at - before.knownAt >= ENDS_AFTER_SECONDS;
    return ends || before.level === null ? null : { ...before, ...NEVER };
  }
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
  const below = limit !== null && value <= limit - margin;
  const belowSince = below ? (before?.belowSince ?? at) : null;
  if (belowSince !== null && at - belowSince >= RESOLVES_AFTER_SECONDS) {
    level = level === "critical" && aboveSince.warn !== null ? "warn" : null;
  }
  if (level === null && aboveSince.warn === null && aboveSince.critical === null) return null;
  return { level, aboveSince, belowSince, knownAt: at, label };
}
