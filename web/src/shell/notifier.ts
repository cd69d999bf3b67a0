/**
 * Notifies the viewer of the alerts of a host: warnings and critical ones, and their end. It works in a hidden tab.
 *
 * Of all tabs with this host, the one that holds a lock notifies; when it is closed, the next one gets the lock. What was
 * notified is kept in the browser, so that a reload repeats nothing, and an end is reported once.
 */
import { hasEnded, SEVERITIES, type Alerts } from "../store/alerts";
import type { Telemetry } from "../store/telemetry";
import { maybeRemembered, remember } from "./remember";

/** More alerts than these at once are one notification. */
export const MAX_SINGLE = 3;
const MAX_KEPT = 200;

/** An alert that was notified. */
interface Entry {
  readonly level: string;
  readonly since: number;
  readonly text: string;
  /** It is silenced now, so its end is not notified. */
  readonly isSilenced?: boolean;
}
/** By the key of the alert. */
type Notified = Record<string, Entry>;

/** A change that the viewer is notified of. */
export interface Change {
  /** Of the alert. */
  readonly key: string;
  readonly text: string;
}

/** The name of the lock of a host, and of what was notified of it. */
export function recordOf(hostId: string): string {
  return `telemetry-stream-notified ${location.pathname} ${hostId}`;
}

/** Begin, and return the function that ends it. */
export function notifyOf({ store }: Pick<Telemetry, "store">): () => void {
  const controller = new AbortController();
  const end: (() => void)[] = [];
  let name: string | null = null;
  let checked: Alerts | null = null;
  /** Each sample changes the store, but few change the alerts. */
  const check = (): void => {
    const { alerts, hello } = store.get();
    if (name === null || alerts === checked) return;
    checked = alerts;
    show(hello?.host.name ?? "", changesOf(name, alerts));
  };
  const work = (): Promise<void> => {
    check();
    end.push(store.subscribe(check));
    return new Promise((resolve) => end.push(resolve));
  };
  const elect = (): void => {
    const { hello } = store.get();
    if (hello === null || name !== null) return;
    name = recordOf(hello.host.id);
    // Rejects when it was ended before.
    navigator.locks.request(name, { signal: controller.signal }, work).catch(() => undefined);
  };
  elect();
  end.push(store.subscribe(elect));
  return () => {
    controller.abort();
    for (const leave of end) leave();
  };
}

/** Return what has changed since the last call for this record, and remember it as notified. Call it with the lock. */
export function changesOf(record: string, alerts: Alerts): Change[] {
  const { firing } = alerts;
  if (firing === null) return [];
  const before = notifiedBy(record);
  const after: Notified = {};
  const changes: Change[] = [];
  for (const alert of firing.slice(0, MAX_KEPT)) {
    const { key, level, sinceUnix: since, text } = alert;
    const known = before[key];
    if (alert.isSilenced) {
      if (known !== undefined) after[key] = { ...known, isSilenced: true };
      continue;
    }
    if (level === "info") continue;
    const isWorse = level === "critical" && known?.level !== "critical";
    if (known?.since !== since || isWorse)
      changes.push({ key, text: `${SEVERITIES[level]}: ${text}` });
    after[key] = { level, since, text };
  }
  let kept = Object.keys(after).length;
  for (const [key, entry] of Object.entries(before)) {
    if (Object.hasOwn(after, key)) continue;
    if (!hasEnded(alerts, key, entry.since)) {
      if (kept++ < MAX_KEPT) after[key] = entry;
    } else if (entry.isSilenced !== true) changes.push({ key, text: `resolved: ${entry.text}` });
  }
  // A front end may have hosts that come and go for years.
  remember(record, Object.keys(after).length === 0 ? null : JSON.stringify(after));
  return changes;
}

function show(host: string, all: readonly Change[]): void {
  if (all.length > MAX_SINGLE) {
    const body = all.map(({ text }) => text).join("\n");
    open(`${host}: ${all.length} changes of alerts`, body, `${host} many`);
    return;
  }
  for (const { key, text } of all) open(host, text, `${host} ${key}`);
}

/** Show a notification. `tag`: a later notification of the same alert replaces the one before. */
export function open(title: string, body: string, tag: string): void {
  try {
    const notification = new Notification(title, { body, tag });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
  } catch (error) {
    console.warn(error); // Chrome on Android shows notifications only of service workers
  }
}

function notifiedBy(record: string): Notified {
  try {
    const found: unknown = JSON.parse(maybeRemembered(record) ?? "{}");
    return typeof found === "object" && found !== null ? (found as Notified) : {};
  } catch {
    return {};
  }
}
