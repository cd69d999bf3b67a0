/**
 * Notifies the viewer of the alerts of all hosts while the overview is shown, whatever its filter is.
 *
 * A message of the overview has the number of alerts of each host, and the text of the worst one. When they change, this
 * requests the alerts of the host. Of all tabs with the overview, one notifies, as of those with a host. A host that another
 * tab shows is left to that tab. What was notified of a host is remembered for both.
 */
import { alertsMessage } from "../protocol/frames";
import { maybeRemembered } from "../shell/remember";
import { changesOf, MAX_SINGLE, open, recordOf } from "../shell/notifier";
import { alertsAfter, NO_ALERTS, type Alerts } from "../store/alerts";
import type { Store } from "../store/create-store";
import type { Page } from "../store/page";
import type { OverviewState } from "./create-overview";
import type { HostAlerts } from "./frames";
import type { Row } from "./order";

/** What changes in this time is requested, and notified of, together. */
const EVERY_MS = 5000;
/** A silence may end without a change of the numbers. */
const SILENCED_MS = 60_000;
const MAX_LINES = 20;

/** No host has this id. */
const ALL_HOSTS = "*";

/** Begin, and return the function that ends it. */
export function notifyOfHosts(
  { get, subscribe }: Pick<Store<Pick<OverviewState, "rows" | "nowMs">>, "get" | "subscribe">,
  request: Page["request"],
): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const end: (() => void)[] = [];
  /** Which alerts were requested last, by the id of the host. */
  const seen = new Map<string, string>();
  /** When the alerts of a host are requested again, although nothing has changed. */
  const againAtMs = new Map<string, number>();
  /** The names of hosts whose alerts have changed, by id. */
  const due = new Map<string, string>();
  let checked: readonly Row[] | null = null;
  let isLooking = false;
  let nextMs = -Infinity;

  const check = (): void => {
    const { rows, nowMs } = get();
    if (rows !== checked) {
      checked = rows;
      if (seen.size > rows.length) forgetVanished(rows);
      for (const { host, alerts } of rows) {
        if (alerts === null) continue;
        const summary = summaryOf(alerts);
        const isKnown =
          seen.get(host.id) === summary && nowMs < (againAtMs.get(host.id) ?? Infinity);
        if (isKnown) continue;
        seen.set(host.id, summary);
        againAtMs.delete(host.id);
        // Of most hosts, nothing has ever been notified.
        if (alerts.critical + alerts.warn > 0 || maybeRemembered(recordOf(host.id)) !== null)
          due.set(host.id, host.name);
      }
    }
    if (due.size === 0 || isLooking || nowMs < nextMs) return;
    isLooking = true;
    void look().then(() => {
      isLooking = false;
      nextMs = get().nowMs + EVERY_MS;
    });
  };
  const forgetVanished = (rows: readonly Row[]): void => {
    const ids = new Set(rows.map(({ host }) => host.id));
    for (const id of seen.keys()) {
      if (ids.has(id)) continue;
      seen.delete(id);
      againAtMs.delete(id);
    }
  };
  const look = async (): Promise<void> => {
    let lines: Line[] = [];
    const begunMs = Date.now();
    const showAll = (): void => {
      show(lines);
      lines = [];
    };
    // These lines are remembered as notified, so they must not wait for an answer: a reload would lose them.
    const timer = setTimeout(showAll, EVERY_MS);
    for (const [id, name] of due) {
      due.delete(id);
      try {
        const path = `api/v1/alerts?host=${encodeURIComponent(id)}`;
        const alerts = alertsIn(await request(path, signal));
        if (alerts.firing?.some(({ isSilenced }) => isSilenced) === true)
          againAtMs.set(id, get().nowMs + SILENCED_MS);
        for (const change of await changesUnlessHeld(recordOf(id), alerts))
          lines.push({ ...change, host: name });
      } catch (error) {
        if (!signal.aborted) console.warn(error);
        seen.delete(id); // tried again with the next message, unless the host is gone
        break;
      }
      // The others stay due.
      const isLate = Date.now() - begunMs >= EVERY_MS;
      if (signal.aborted || isLate || lines.length >= MAX_LINES) break;
    }
    clearTimeout(timer);
    showAll();
  };
  const work = (): Promise<void> => {
    check();
    end.push(subscribe(check));
    return new Promise((resolve) => end.push(resolve));
  };
  // Rejects when it was ended before.
  navigator.locks.request(recordOf(ALL_HOSTS), { signal }, work).catch(() => undefined);
  return () => {
    controller.abort();
    for (const leave of end) leave();
  };
}

interface Line {
  readonly host: string;
  readonly key: string;
  readonly text: string;
}

/** Return a text that changes with what fires, but not with the numbers in the text of an alert. */
function summaryOf({ critical, warn, text }: HostAlerts): string {
  return `${critical} ${warn} ${(text ?? "").replaceAll(/\d[\d.,]*/g, "")}`;
}

/** Throws ShapeError. */
function alertsIn(answer: unknown): Alerts {
  return alertsAfter(NO_ALERTS, alertsMessage(answer), 0);
}

/** Return what has changed, or nothing while another tab shows the host and notifies of it. */
async function changesUnlessHeld(record: string, alerts: Alerts) {
  return navigator.locks.request(record, { ifAvailable: true }, (lock) =>
    lock === null ? [] : changesOf(record, alerts),
  );
}

function show(lines: readonly Line[]): void {
  if (lines.length <= MAX_SINGLE) {
    for (const { host, key, text } of lines) open(host, text, `${host} ${key}`);
    return;
  }
  const body = lines.slice(0, MAX_LINES).map(({ host, text }) => `${host}: ${text}`);
  if (lines.length > MAX_LINES) body.push("…");
  open(`${lines.length} changes of alerts`, body.join("\n"), "many");
}
