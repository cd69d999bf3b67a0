/**
 * The title and the icon of the tab show the worst state of the page. They do not depend on React, which draws nothing
 * in a hidden tab: there, they are all that the viewer sees.
 */
import type { Alerts } from "../store/alerts";
import { freshness, isDisconnected, type Freshness } from "../store/freshness";
import type { TelemetryState } from "../store/telemetry";
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

/** What a page shows, and what is wrong with it. */
export interface Title {
  readonly name: string;
  readonly worst?: Worst;
}

interface Worst {
  readonly level: "warn" | "critical";
  readonly label: string;
}

/**
 * Return the worst state of a host: `(lost) ada`, `■ ada · /srv is 98 % full`, `(paused) ada`, `ada`. A paused page keeps the
 * alerts of the pause, but the tab has the present ones.
 */
export function tabStatus(state: TelemetryState, nowMs: number, isPaused: boolean): TabStatus {
  const name = state.hello?.host.name ?? "telemetry_stream";
  const worst = worstOf(state.alerts);
  return tabStatusOf({ name, ...(worst && { worst }) }, freshness(state, nowMs), isPaused);
}

export function tabStatusOf({ name, worst }: Title, fresh: Freshness, isPaused = false): TabStatus {
  if (isDisconnected(fresh)) {
    const word = fresh.kind === "refused" ? "refused" : "lost";
    return { title: `(${word}) ${name}`, icon: "lost" };
  }
  const pause = isPaused ? "(paused) " : "";
  if (worst === undefined) return { title: `${pause}${name}`, icon: isPaused ? "paused" : "ok" };
  const isCritical = worst.level === "critical";
  return {
    title: `${isCritical ? "■" : "▲"} ${pause}${name} · ${worst.label}`,
    icon: isCritical ? "critical" : "warn",
  };
}

/** Return the first alert, which is the most severe one. What is only information changes nothing in the tab. */
function worstOf({ firing }: Alerts): Worst | undefined {
  const [worst] = firing ?? [];
  if (worst === undefined || worst.level === "info") return undefined;
  return { level: worst.level, label: worst.text };
}

export function showInTab({ title, icon }: TabStatus): void {
  if (document.title !== title) document.title = title;
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (link !== null && link.getAttribute("href") !== ICONS[icon]) link.href = ICONS[icon];
}
