/** Announces to screen readers how current the page is, and which alerts fired or resolved, but never values. */
import { useState } from "react";

import { isDisconnected } from "../store/freshness";
import type { Alert } from "../store/thresholds";
import { useDisplay, useShown } from "../store/use-telemetry";

export function Announcer() {
  const kind = useDisplay(({ paused, fresh }) => (paused ? "paused" : fresh.kind));
  const alarm = useDisplay(({ paused, fresh }) => {
    if (paused || !isDisconnected(fresh)) return "";
    return `connection ${fresh.kind}${fresh.kind === "refused" ? `: ${fresh.reason}` : ""}`;
  });
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
  const alerts = useShown((state) => state.alerts);
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
