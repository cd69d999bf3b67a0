/**
 * Announces to screen readers how current the page is, and which alerts fired or resolved, but never values. Also sets
 * the title of the tab.
 */
import { useEffect, useState } from "react";

import { isDisconnected } from "../store/freshness";
import type { Alert } from "../store/thresholds";
import { useDisplay, useTelemetry } from "../store/use-telemetry";

export function Announcer() {
  const kind = useDisplay(({ paused, fresh }) => (paused ? "paused" : fresh.kind));
  const alarm = useDisplay(({ paused, fresh }) => {
    if (paused || !isDisconnected(fresh)) return "";
    return `connection ${fresh.kind}${fresh.kind === "refused" ? `: ${fresh.reason}` : ""}`;
  });
  useTitle();
  return (
    <>
      <div className="visually-hidden" role="status">
        {alarm === "" ? kind : ""}
      </div>
      <div className="visually-hidden" role="alert">
        {alarm}
      </div>
      <AlertChanges />
    </>
  );
}

type Alerts = ReadonlyMap<string, Alert>;

function AlertChanges() {
  const alerts = useTelemetry((state) => state.alerts);
  const [announced, setAnnounced] = useState({ alerts, text: "" });
  if (announced.alerts !== alerts) {
    setAnnounced({ alerts, text: changesBetween(announced.alerts, alerts) });
  }
  return (
    <div className="visually-hidden" role="status">
      {announced.text}
    </div>
  );
}

function changesBetween(before: Alerts, after: Alerts): string {
  const fired = [...after].filter(([id, { level }]) => before.get(id)?.level !== level);
  const resolved = [...before].filter(([id]) => !after.has(id));
  return [
    ...fired.map(
      ([, { label, level }]) => `${label}: ${level === "critical" ? "critical" : "warning"}`,
    ),
    ...resolved.map(([, { label }]) => `${label}: resolved`),
  ].join(", ");
}

function useTitle(): void {
  const host = useTelemetry((state) => state.hello?.host.name ?? "telemetry_stream");
  const alerts = useTelemetry((state) => state.alerts);
  const disconnected = useDisplay(({ fresh }) =>
    isDisconnected(fresh) ? (fresh.kind === "refused" ? "refused" : "lost") : null,
  );
  useEffect(() => {
    document.title = titleOf(host, disconnected, alerts);
  }, [host, disconnected, alerts]);
}

/** Return the title with the worst state of the page: `(lost) ada`, `▲ ada · io stall`. */
export function titleOf(host: string, disconnected: string | null, alerts: Alerts): string {
  if (disconnected !== null) return `(${disconnected}) ${host}`;
  const all = [...alerts.values()];
  const worst = all.find(({ level }) => level === "critical") ?? all[0];
  if (worst === undefined) return host;
  return `${worst.level === "critical" ? "■" : "▲"} ${host} · ${worst.label}`;
}
