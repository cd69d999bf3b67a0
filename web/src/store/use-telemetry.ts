/** The one place that binds the store to React: a component reads what one selector gives it. */
import { createContext, useContext, useSyncExternalStore } from "react";

import type { Store } from "./create-store";
import { freshness, type Freshness } from "./freshness";
import type { Telemetry, TelemetryState } from "./telemetry";

export interface Session {
  readonly telemetry: Telemetry;
  /** Monotonic milliseconds, moved on once a second. */
  readonly clock: Store<number>;
  readonly tryNow: () => void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("no SessionContext above this component");
  return session;
}

export function useStore<T, S>(store: Store<T>, select: (state: T) => S): S {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}

export function useTelemetry<S>(select: (state: TelemetryState) => S): S {
  return useStore(useSession().telemetry.store, select);
}

export function useFreshness(): Freshness {
  const { clock } = useSession();
  const nowMs = useStore(clock, (value) => value);
  const state = useTelemetry((value) => value);
  return freshness(state, nowMs);
}
