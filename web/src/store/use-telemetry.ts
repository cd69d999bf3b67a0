/** The only file that binds the stores to React. A component reads what its selector returns. */
import { createContext, useContext, useSyncExternalStore } from "react";

import type { Frame } from "../protocol/frames";
import type { Actions } from "./actions";
import type { Store } from "./create-store";
import type { Display, Picture, Snapshot } from "./display";
import type { Telemetry, TelemetryState } from "./telemetry";
import type { View } from "./view";

export interface Session {
  readonly telemetry: Telemetry;
  readonly view: Store<View>;
  /** The content of a paused page; null while it is live. */
  readonly snapshot: Store<Snapshot | null>;
  /** The host time under the cursor, the same on every chart; null when there is no cursor. */
  readonly cursor: Store<number | null>;
  readonly display: Store<Display>;
  readonly actions: Actions;
  /** Asks for on-demand sections over a connection of its own. Returns the function that ends it. */
  readonly watchSections: (sections: readonly string[], listener: SectionListener) => () => void;
  /** Connects now instead of at the next planned try. */
  readonly tryNow: () => void;
  readonly reload: () => void;
  /** Loads the login page. Resolves to null, or to the reason why it failed. */
  readonly logOut: () => Promise<string | null>;
  readonly address: string;
  readonly startedUnix: number;
}

export interface SectionListener {
  /** Each message; none while the page is paused. */
  readonly frame: (frame: Frame) => void;
  /** The server refused the connection for this reason. */
  readonly failed: (reason: string) => void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("no SessionContext above this component");
  return session;
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

/** Select from the newest state of the stream, also while the page is paused. */
export function useTelemetry<S>(select: (state: TelemetryState) => S): S {
  return useStore(useSession().telemetry.store, select);
}

/** Select from the state of the stream as the page shows it: a paused page keeps that of the pause. */
export function useShown<S>(select: (state: TelemetryState) => S): S {
  return useStore(useSession().display, ({ state }) => select(state));
}

export function useDisplay<S>(select: (display: Display) => S): S {
  return useStore(useSession().display, select);
}

/** Select from the content to draw. A component that reads only this draws once per sample. */
export function usePicture<S>(select: (picture: Picture) => S): S {
  return useStore(useSession().display, ({ picture }) => select(picture));
}

export function useView<S>(select: (view: View) => S): S {
  return useStore(useSession().view, select);
}
