/** What lies outside the page's own tree: the root's theme and kiosk, the address, the memory. */
import { useCallback, useEffect, useLayoutEffect, useSyncExternalStore } from "react";

import { startKiosk } from "../shell/kiosk";
import { rememberTheme, systemTheme } from "../shell/theme";
import { useStore } from "../store/use-telemetry";
import { queryFromView } from "../store/view";
import type { RunningSession } from "./session";

export function useRoot(session: RunningSession) {
  const view = useStore(session.view, (now) => now);
  const system = useSyncExternalStore(watchSystem, systemTheme);
  const theme = view.theme ?? system;

  // Before the charts draw: they read their colours from the root.
  useLayoutEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  useLayoutEffect(() => {
    document.documentElement.classList.toggle("kiosk", view.kiosk);
    window.dispatchEvent(new Event("resize")); // another root size: whoever measured measures anew
    return view.kiosk ? startKiosk(document.documentElement) : undefined;
  }, [view.kiosk]);
  useEffect(() => {
    history.replaceState(
      null,
      "",
      `${location.pathname}${queryFromView(view, location.search)}${location.hash}`,
    );
  }, [view]);

  const toggleTheme = useCallback(() => {
    const next = (session.view.get().theme ?? systemTheme()) === "dark" ? "light" : "dark";
    rememberTheme(next);
    session.actions.setTheme(next);
  }, [session]);
  return { theme, toggleTheme };
}

function watchSystem(listener: () => void): () => void {
  const query = matchMedia("(prefers-color-scheme: light)");
  query.addEventListener("change", listener);
  return () => {
    query.removeEventListener("change", listener);
  };
}
