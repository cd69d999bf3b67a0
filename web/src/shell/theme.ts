/** Dark or light: the system's until the viewer chose, then remembered. */
import type { Theme } from "../store/view";

const KEY = "telemetry-stream-theme";

export function rememberedTheme(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "dark" || theme === "light" ? theme : null;
  } catch {
    return null; // storage is switched off: the system's theme it is
  }
}

export function rememberTheme(theme: Theme): void {
  try {
    if (theme !== null) localStorage.setItem(KEY, theme);
  } catch {
    // Storage is switched off or full: the choice holds as long as the page.
  }
}

export function systemTheme(): "dark" | "light" {
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}
