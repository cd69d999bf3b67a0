/** Announces to screen readers how current the page is, and which alerts fired or resolved, but never values. */
import { useState } from "react";

import { changesBetween, NO_ALERTS, SEVERITIES, type Alerts } from "../store/alerts";
import { isDisconnected } from "../store/freshness";
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

function AlertChanges() {
  const alerts = useShown((state) => state.alerts);
  const [announced, setAnnounced] = useState({ alerts: NO_ALERTS, text: "" });
  if (announced.alerts !== alerts) {
    const text = changesText(announced.alerts, alerts);
    // The repetition of a minute changes nothing.
    setAnnounced({ alerts, text: text === "" ? announced.text : text });
  }
  return (
    <div className="visually-hidden" role="status" data-testid="alert-changes">
      {announced.text}
    </div>
  );
}

/** More alerts than these are only counted: nobody can listen to a hundred. */
const MAX_ANNOUNCED = 3;

function changesText(before: Alerts, after: Alerts): string {
  const { fired, resolved } = changesBetween(before, after);
  const texts = [
    ...fired.map(({ level, text }) => `${SEVERITIES[level]}: ${text}`),
    ...resolved.map(({ text }) => `resolved: ${text}`),
  ];
  const more = texts.length - MAX_ANNOUNCED;
  return [...texts.slice(0, MAX_ANNOUNCED), ...(more > 0 ? [`and ${more} more alerts`] : [])].join(
    "; ",
  );
}
