/** Speaks to screen readers: how live the page is and which thresholds were crossed, never values. */
import { useEffect, useState } from "react";

import { useDisplay, useTelemetry } from "../store/use-telemetry";

export function Announcer() {
  const kind = useDisplay((display) => (display.paused ? "paused" : display.fresh.kind));
  const lost = kind === "lost" || kind === "ended";
  return (
    <>
      <div className="hidden" role="status">
        {lost ? "" : kind}
      </div>
      <div className="hidden" role="alert">
        {lost ? `connection ${kind}` : ""}
      </div>
      <Crossings />
    </>
  );
}

function Crossings() {
  const alerts = useTelemetry((state) => state.alerts);
  const [said, setSaid] = useState({ alerts, text: "" });
  if (said.alerts !== alerts) {
    const came = [...alerts].filter(([id, { level }]) => said.alerts.get(id)?.level !== level);
    const went = [...said.alerts].filter(([id]) => !alerts.has(id));
    const text = [
      ...came.map(
        ([, { what, level }]) => `${what}: ${level === "critical" ? "critical" : "warning"}`,
      ),
      ...went.map(([, { what }]) => `${what}: over`),
    ].join(", ");
    setSaid({ alerts, text });
  }
  useTitle();
  return (
    <div className="hidden" role="status">
      {said.text}
    </div>
  );
}

/** The tab's title carries the worst state: `▲ ada · io stall`. */
function useTitle(): void {
  const host = useTelemetry((state) => state.hello?.host.name ?? "telemetry_stream");
  const alerts = useTelemetry((state) => state.alerts);
  const kind = useDisplay((display) => display.fresh.kind);
  useEffect(() => {
    document.title = titleOf(host, kind, alerts);
  }, [host, kind, alerts]);
}

export function titleOf(
  host: string,
  kind: string,
  alerts: ReadonlyMap<string, { readonly level: string; readonly what: string }>,
): string {
  if (kind === "lost" || kind === "ended") return `(lost) ${host}`;
  const all = [...alerts.values()];
  const worst = all.find(({ level }) => level === "critical") ?? all[0];
  if (worst === undefined) return host;
  return `${worst.level === "critical" ? "■" : "▲"} ${host} · ${worst.what}`;
}
