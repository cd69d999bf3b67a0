/** Keeps the root element, the address and the stored theme in step with the view. */
import {
  useCallback,
  useEffect,
  useInsertionEffect,
  useLayoutEffect,
  useSyncExternalStore,
} from "react";

import { rememberTheme, systemTheme } from "../shell/theme";
import type { Page } from "../store/page";
import { useView } from "../store/use-telemetry";
import { queryFromView } from "../store/view";

export function useRoot(page: Page) {
  const view = useView((now) => now);
  const system = useSyncExternalStore(watchSystem, systemTheme);
  const theme = view.theme ?? system;

  // Before the charts draw, because they read their colours from the root. They draw in layout effects, and those of a
  // component run after those of the components below it.
  useInsertionEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  useLayoutEffect(() => {
    document.documentElement.classList.toggle("kiosk", view.kiosk);
    window.dispatchEvent(new Event("resize")); // kiosk mode changes the size of a rem
  }, [view.kiosk]);
  useEffect(() => {
    const query = queryFromView(view, location.search);
    history.replaceState(null, "", `${location.pathname}${query}${location.hash}`);
  }, [view]);

  const toggleTheme = useCallback(() => {
    const next = (page.view.get().theme ?? systemTheme()) === "dark" ? "light" : "dark";
    rememberTheme(next);
    page.actions.setTheme(next);
  }, [page]);
  return { theme, toggleTheme };
}

function watchSystem(listener: () => void): () => void {
  const query = matchMedia("(prefers-color-scheme: light)");
  query.addEventListener("change", listener);
  return () => {
    query.removeEventListener("change", listener);
  };
}
