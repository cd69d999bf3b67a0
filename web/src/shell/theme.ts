/** Dark or light: that of the system until the viewer chooses one, which the browser then remembers. */
import type { Theme } from "../store/view";

const KEY = "telemetry-stream-theme";

export function rememberedTheme(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "dark" || theme === "light" ? theme : null;
  } catch {
    return null; // the browser does not allow storage
  }
}

export function rememberTheme(theme: Theme): void {
  try {
    if (theme !== null) localStorage.setItem(KEY, theme);
  } catch {
    // The browser does not allow storage, or it is full: the choice holds until the page is closed.
  }
}

export function systemTheme(): "dark" | "light" {
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}
