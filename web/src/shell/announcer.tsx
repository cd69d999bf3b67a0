/** Speaks to screen readers: how live the page is and which thresholds were crossed, never values. */
import { useEffect, useState } from "react";

import { isCut } from "../store/freshness";
import { useDisplay, useTelemetry } from "../store/use-telemetry";

export function Announcer() {
  const kind = useDisplay(({ paused, fresh }) => (paused ? "paused" : fresh.kind));
  const alarm = useDisplay(({ paused, fresh }) => {
    if (paused || !isCut(fresh)) return "";
    return `connection ${fresh.kind}${fresh.kind === "refused" ? `: ${fresh.why}` : ""}`;
  });
  return (
    <>
      <div className="hidden" role="status">
        {alarm === "" ? kind : ""}
      </div>
      <div className="hidden" role="alert">
        {alarm}
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
  const cut = useDisplay(({ fresh }) =>
    isCut(fresh) ? (fresh.kind === "refused" ? "refused" : "lost") : null,
  );
  useEffect(() => {
    document.title = titleOf(host, cut, alerts);
  }, [host, cut, alerts]);
}

export function titleOf(
  host: string,
  cut: string | null,
  alerts: ReadonlyMap<string, { readonly level: string; readonly what: string }>,
): string {
  if (cut !== null) return `(${cut}) ${host}`;
  const all = [...alerts.values()];
  const worst = all.find(({ level }) => level === "critical") ?? all[0];
  if (worst === undefined) return host;
  return `${worst.level === "critical" ? "■" : "▲"} ${host} · ${worst.what}`;
}
