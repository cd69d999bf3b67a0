/** The only file that binds the stores to React. A component reads what its selector returns. */
import { createContext, useContext, useSyncExternalStore } from "react";

import type { Store } from "./create-store";
import type { Display, Picture } from "./display";
import type { Host, Page } from "./page";
import type { TelemetryState } from "./telemetry";
import type { View } from "./view";

export const PageContext = createContext<Page | null>(null);
/** The host that the components below it show. */
export const HostContext = createContext<Host | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (page === null) throw new Error("no PageContext above this component");
  return page;
}

export function useHost(): Host {
  const host = useContext(HostContext);
  if (host === null) throw new Error("no HostContext above this component");
  return host;
}

export function useStore<T, S>(store: Store<T>, select: (state: T) => S): S {
  return useSyncExternalStore(whileVisible(store.subscribe), () => select(store.get()));
}

type Subscribe = Store<unknown>["subscribe"];

/** One per store: React subscribes again when it gets another function. */
const visibleOnly = new WeakMap<Subscribe, Subscribe>();

/** Return the same subscription, but silent while the tab is hidden. When the tab is shown, it notifies once. */
function whileVisible(subscribe: Subscribe): Subscribe {
  let subscribed = visibleOnly.get(subscribe);
  if (subscribed === undefined) {
    subscribed = (listener) => {
      const notify = (): void => {
        if (document.visibilityState !== "hidden") listener();
      };
      const unsubscribe = subscribe(notify);
      document.addEventListener("visibilitychange", notify);
      return () => {
        document.removeEventListener("visibilitychange", notify);
        unsubscribe();
      };
    };
    visibleOnly.set(subscribe, subscribed);
  }
  return subscribed;
}

/** Select from the newest state of the host's stream, also while the page is paused. */
export function useTelemetry<S>(select: (state: TelemetryState) => S): S {
  return useStore(useHost().telemetry.store, select);
}

/** Select from the state of the host's stream as the page shows it: a paused page keeps that of the pause. */
export function useShown<S>(select: (state: TelemetryState) => S): S {
  return useStore(useHost().display, ({ state }) => select(state));
}

export function useDisplay<S>(select: (display: Display) => S): S {
  return useStore(useHost().display, select);
}

/** Select from the content to draw. A component that reads only this draws once per sample. */
export function usePicture<S>(select: (picture: Picture) => S): S {
  return useStore(useHost().display, ({ picture }) => select(picture));
}

export function useView<S>(select: (view: View) => S): S {
  return useStore(usePage().view, select);
}
