/** Dark or light: that of the system until the viewer chooses one, which the browser then remembers. */
import type { Theme } from "../store/view";
import { maybeRemembered, remember } from "./remember";

const KEY = "telemetry-stream-theme";

export function rememberedTheme(): Theme {
  const theme = maybeRemembered(KEY);
  return theme === "dark" || theme === "light" ? theme : null;
}

export function rememberTheme(theme: Theme): void {
  if (theme !== null) remember(KEY, theme);
}

export function systemTheme(): "dark" | "light" {
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}
