/**
 * The title and the icon of the tab show the worst state of the page. They do not depend on React, which draws nothing
 * in a hidden tab: there, they are all that the viewer sees.
 */
import { freshness, isDisconnected } from "../store/freshness";
import type { TelemetryState } from "../store/telemetry";
import type { Alert } from "../store/thresholds";
import critical from "./icons/critical.svg";
import lost from "./icons/lost.svg?inline"; // it cannot be loaded when it is needed
import ok from "./icons/ok.svg";
import paused from "./icons/paused.svg";
import warn from "./icons/warn.svg";

/** By state. Each has another shape, because not everybody can tell the colours apart. */
export const ICONS = { ok, warn, critical, lost, paused } as const;

export interface TabStatus {
  readonly title: string;
  readonly icon: keyof typeof ICONS;
}

/**
 * Return the worst state: `(lost) ada`, `■ ada · /srv full`, `▲ ada · io stall`, `(paused) ada`, `ada`. A paused page keeps
 * the alerts of the pause, but the tab has the present ones.
 */
export function tabStatus(state: TelemetryState, nowMs: number, isPaused: boolean): TabStatus {
  const host = state.hello?.host.name ?? "telemetry_stream";
  const fresh = freshness(state, nowMs);
  if (isDisconnected(fresh)) {
    const word = fresh.kind === "refused" ? "refused" : "lost";
    return { title: `(${word}) ${host}`, icon: "lost" };
  }
  const pause = isPaused ? "(paused) " : "";
  const worst = worstOf(state.alerts);
  if (worst === undefined) return { title: `${pause}${host}`, icon: isPaused ? "paused" : "ok" };
  const isCritical = worst.level === "critical";
  return {
    title: `${isCritical ? "■" : "▲"} ${pause}${host} · ${worst.label}`,
    icon: isCritical ? "critical" : "warn",
  };
}

function worstOf(alerts: ReadonlyMap<string, Alert>): Alert | undefined {
  const all = [...alerts.values()];
  return all.find(({ level }) => level === "critical") ?? all[0];
}

export function showInTab({ title, icon }: TabStatus): void {
  if (document.title !== title) document.title = title;
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (link !== null && link.getAttribute("href") !== ICONS[icon]) link.href = ICONS[icon];
}
