/**
 * The title and the icon of the tab show the worst state of the page. They do not depend on React, which draws nothing
 * in a hidden tab: there, they are all that the viewer sees.
 */
import { freshness, isDisconnected } from "../store/freshness";
import type { TelemetryState } from "../store/telemetry";
import type { Alert } from "../store/thresholds";

export interface TabStatus {
  readonly title: string;
  /** The name of a file beside the page. Null while disconnected: it could not be loaded, so the icon stays. */
  readonly icon: "icon.svg" | "icon-warn.svg" | "icon-critical.svg" | null;
}

/** Return the worst state: `(lost) ada`, `▲ ada · io stall`, `ada`. */
export function tabStatus(state: TelemetryState, nowMs: number): TabStatus {
  const host = state.hello?.host.name ?? "telemetry_stream";
  const fresh = freshness(state, nowMs);
  if (isDisconnected(fresh)) {
    const word = fresh.kind === "refused" ? "refused" : "lost";
    return { title: `(${word}) ${host}`, icon: null };
  }
  const worst = worstOf(state.alerts);
  if (worst === undefined) return { title: host, icon: "icon.svg" };
  const critical = worst.level === "critical";
  return {
    title: `${critical ? "■" : "▲"} ${host} · ${worst.label}`,
    icon: critical ? "icon-critical.svg" : "icon-warn.svg",
  };
}

function worstOf(alerts: ReadonlyMap<string, Alert>): Alert | undefined {
  const all = [...alerts.values()];
  return all.find(({ level }) => level === "critical") ?? all[0];
}

export function showInTab({ title, icon }: TabStatus): void {
  if (document.title !== title) document.title = title;
  if (icon === null) return;
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (link !== null && !link.href.endsWith(`/${icon}`)) link.href = new URL(icon, link.href).href;
}
