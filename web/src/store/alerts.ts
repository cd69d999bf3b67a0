/**
 * The alerts of a host, as the server reports them: its rules alone decide what fires. The page adds what the server
 * does not keep, which is what resolved while it was open. Pure.
 *
 * Colours, marks and announcements ask for the alerts about a field or a section, see `levelAbout`.
 */
import type { AlertsMessage, WireAlert } from "../protocol/frames";

export type Level = "info" | "warn" | "critical";

/** The most severe first. */
export const LEVELS: readonly Level[] = ["critical", "warn", "info"];
/** Not everybody can tell the colours apart. */
export const MARKS: Readonly<Record<Level, string>> = { critical: "■", warn: "▲", info: "◆" };
/** As the server calls them. */
export const SEVERITIES: Readonly<Record<Level, string>> = {
  critical: "critical",
  warn: "warning",
  info: "info",
};

export interface Alert {
  /** The rule and the labels: the same as long as the alert fires. */
  readonly key: string;
  readonly rule: string;
  readonly level: Level;
  /** What its condition is about: `filesystems`, `pressure.io`. */
  readonly section: string | null;
  /** The fields that its condition compares: `filesystems.used_percent`. */
  readonly fields: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** When its condition became true, by the clock of the host. */
  readonly sinceUnix: number;
  readonly text: string;
  /** False while its values are unknown: it stays as it was. */
  readonly isKnown: boolean;
  /** True while a silence of the server covers it: it notifies nobody. */
  readonly isSilenced: boolean;
  /** When it resolved; null while it fires. */
  readonly untilUnix: number | null;
}

export interface Alerts {
  /** The most severe first. Null: the server evaluates no rules, or has reported nothing yet. */
  readonly firing: readonly Alert[] | null;
  /** Firing alerts that the server left out, because there are too many. */
  readonly omitted: number;
  /** Those of messages before that are left out now, and were not reported as resolved: they may still fire. */
  readonly leftOut: readonly Alert[];
  /** Those that resolved while the page was open, the last one first. */
  readonly resolved: readonly Alert[];
}

export const NO_ALERTS: Alerts = { firing: null, omitted: 0, leftOut: [], resolved: [] };

/** The longest time that a chart shows, and more: a viewer who comes back sees what was wrong. */
const KEPT_SECONDS = 3600;
const MAX_RESOLVED = 50;
const MAX_LEFT_OUT = 200;

/**
 * Return the alerts after a message, which has the whole state unless it leaves some out. An alert whose end was lost
 * with a message resolved by `nowUnix`, the time of the host.
 */
export function alertsAfter(before: Alerts, message: AlertsMessage, nowUnix: number): Alerts {
  const entries = message.alerts;
  if (entries === null) return { ...before, firing: null, omitted: 0, leftOut: [] };
  const omitted = message.omitted_alerts ?? 0;
  const endUnix = message.time_unix ?? nowUnix;
  const firing = entries.filter(({ state }) => state !== "resolved").map((one) => alertOf(one));
  const reported = entries
    .filter(({ state }) => state === "resolved")
    .map((one) => alertOf(one, endUnix));
  const present = new Set([...firing, ...reported].map(({ key }) => key));
  const missing = knownOf(before).filter(({ key }) => !present.has(key));
  const lost = omitted > 0 ? [] : missing.map((one) => ({ ...one, untilUnix: endUnix }));
  const resolved = [...reported, ...lost, ...before.resolved]
    .filter(({ untilUnix }) => (untilUnix ?? 0) > endUnix - KEPT_SECONDS)
    .slice(0, MAX_RESOLVED);
  firing.sort((one, other) => LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level));
  return { firing, omitted, leftOut: omitted > 0 ? missing.slice(0, MAX_LEFT_OUT) : [], resolved };
}

/** Return what fires, and what may. */
function knownOf({ firing, leftOut }: Alerts): Alert[] {
  return [...(firing ?? []), ...leftOut];
}

/**
 * Return whether an alert that fired before and is not among those that fire has ended. If some are left out, only those
 * that were reported as resolved have.
 */
export function hasEnded({ omitted, resolved }: Alerts, key: string, sinceUnix: number): boolean {
  return omitted === 0 || resolved.some((one) => one.key === key && one.sinceUnix === sinceUnix);
}

function alertOf(wire: WireAlert, untilUnix: number | null = null): Alert {
  const { rule, severity, section, fields, since_unix, text, known } = wire;
  const labels = wire.labels ?? {};
  return {
    key: `${rule} ${JSON.stringify(labels)}`,
    rule,
    level: severity === "critical" ? "critical" : severity === "warning" ? "warn" : "info",
    ...{ section, fields: fields ?? [], labels, text },
    sinceUnix: since_unix,
    isKnown: known !== false,
    isSilenced: wire.silenced === true,
    untilUnix,
  };
}

/** Return whether an alert is about a section, or a field: about `pressure`, if it is about `pressure.io`. */
export function isAbout({ section, fields }: Alert, about: string): boolean {
  const isPart = (name: string): boolean => name === about || name.startsWith(`${about}.`);
  return (section !== null && isPart(section)) || fields.some(isPart);
}

/** Return the alerts about any of these sections or fields, the most severe first: those that fire and those that did. */
export function alertsAbout({ firing, resolved }: Alerts, about: readonly string[]): Alert[] {
  return [...(firing ?? []), ...resolved]
    .filter((alert) => about.some((name) => isAbout(alert, name)))
    .sort((one, other) => LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level));
}

/**
 * Return the highest level of the firing alerts about any of these sections or fields; undefined if there are none. With
 * `labels`, only alerts of a row that has them count.
 */
export function levelAbout(
  { firing }: Alerts,
  about: string | readonly string[],
  labels: Readonly<Record<string, string | null>> = {},
): Level | undefined {
  const names = typeof about === "string" ? [about] : about;
  const wanted = Object.entries(labels).filter(([, value]) => value !== null);
  return firing?.find(
    (alert) =>
      wanted.every(([name, value]) => alert.labels[name] === value) &&
      names.some((name) => isAbout(alert, name)),
  )?.level;
}

/**
 * Return the alerts that fire in `after` and did not in `before`, or with another level, and those that resolved. A
 * silenced one counts as neither: it fires at the end of the silence.
 */
export function changesBetween(
  before: Alerts,
  after: Alerts,
): { readonly fired: readonly Alert[]; readonly resolved: readonly Alert[] } {
  if (after.firing === null) return { fired: [], resolved: [] };
  const known = new Map(
    knownOf(before)
      .filter(({ isSilenced }) => !isSilenced)
      .map((alert) => [alert.key, alert]),
  );
  const fires = new Set(after.firing.map(({ key }) => key));
  return {
    fired: after.firing.filter(
      ({ key, level, isSilenced }) => !isSilenced && known.get(key)?.level !== level,
    ),
    resolved: [...known.values()].filter(
      ({ key, sinceUnix }) => !fires.has(key) && hasEnded(after, key, sinceUnix),
    ),
  };
}

/** Return how many alerts fire, by level, the most severe first. */
export function countsOf({ firing }: Alerts): readonly (readonly [Level, number])[] {
  return LEVELS.map(
    (level) => [level, firing?.filter((one) => one.level === level).length ?? 0] as const,
  ).filter(([, count]) => count > 0);
}
