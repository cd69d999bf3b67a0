/** The one place that binds the stores to React: a component reads what one selector gives it. */
import { createContext, useContext, useSyncExternalStore } from "react";

import type { Actions } from "./actions";
import type { Store } from "./create-store";
import type { Display, Freeze, Picture } from "./display";
import type { ProcessTable } from "./processes";
import type { Telemetry, TelemetryState } from "./telemetry";
import type { View } from "./view";

export interface Session {
  readonly telemetry: Telemetry;
  readonly processes: ProcessTable;
  readonly view: Store<View>;
  readonly freeze: Store<Freeze | null>;
  /** Host time under the cursor, the same for every chart; null when there is none. */
  readonly cursor: Store<number | null>;
  readonly display: Store<Display>;
  readonly actions: Actions;
  /** Asks for processes until the answer is called. */
  readonly watchProcesses: () => () => void;
  readonly tryNow: () => void;
  /** Leads to the login page; null, or why it does not. */
  readonly logOut: () => Promise<string | null>;
  readonly address: string;
  readonly startedUnix: number;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("no SessionContext above this component");
  return session;
}

export function useStore<T, S>(store: Store<T>, select: (state: T) => S): S {
  return useSyncExternalStore(whileShown(store.subscribe), () => select(store.get()));
}

type Subscribe = Store<unknown>["subscribe"];

const shownOnly = new WeakMap<Subscribe, Subscribe>();

/** The same subscription, silent while the tab is hidden and told once when it is shown: one per store. */
function whileShown(subscribe: Subscribe): Subscribe {
  let subscribed = shownOnly.get(subscribe);
  if (subscribed === undefined) {
    subscribed = (listener) => {
      const tell = (): void => {
        if (document.visibilityState !== "hidden") listener();
      };
      const unsubscribe = subscribe(tell);
      document.addEventListener("visibilitychange", tell);
      return () => {
        document.removeEventListener("visibilitychange", tell);
        unsubscribe();
      };
    };
    shownOnly.set(subscribe, subscribed);
  }
  return subscribed;
}

export function useTelemetry<S>(select: (state: TelemetryState) => S): S {
  return useStore(useSession().telemetry.store, select);
}

export function useDisplay<S>(select: (display: Display) => S): S {
  return useStore(useSession().display, select);
}

/** What is drawn: a component that reads only this draws once per sample. */
export function usePicture<S>(select: (picture: Picture) => S): S {
  return useStore(useSession().display, ({ picture }) => select(picture));
}

export function useView<S>(select: (view: View) => S): S {
  return useStore(useSession().view, select);
}
