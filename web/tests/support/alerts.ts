/** Alerts as the server sends them, and as the page has them. */
import { decodeFrame } from "../../src/protocol/decode";
import { alertsAfter, NO_ALERTS, type Alerts } from "../../src/store/alerts";

type WireObject = Record<string, unknown>;

/** A firing alert of the golden host, with other fields. */
export function alertOf(changes: WireObject = {}): WireObject {
  return {
    rule: "filesystem_full",
    state: "firing",
    severity: "warning",
    section: "filesystems",
    fields: ["filesystems.used_percent"],
    labels: {},
    since_unix: 1_764_000_030,
    text: "/srv is 91 % full",
    values: { used_percent: 91 },
    known: true,
    ...changes,
  };
}

/** The message with these alerts. */
export function alertsText(alerts: readonly WireObject[] | null, changes: WireObject = {}): string {
  const head = { type: "alerts", host: "b3f1c2d4e5a69788", time_unix: 1_764_000_042 };
  return JSON.stringify({ ...head, alerts, omitted_alerts: 0, ...changes });
}

/** What the page knows after these messages. */
export function alertsOf(...messages: readonly string[]): Alerts {
  return messages.reduce((before, text) => {
    const frame = decodeFrame(text);
    if (frame.type !== "alerts") throw new Error(JSON.stringify(frame));
    return alertsAfter(before, frame.alerts, 1_764_000_050);
  }, NO_ALERTS);
}
