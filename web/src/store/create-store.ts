/** A value and its listeners. Does not depend on React, nor on what the value is. */
export interface Store<T> {
  readonly get: () => T;
  /** Replaces the value and notifies every listener, unless it is the same value. */
  readonly set: (next: T) => void;
  readonly update: (change: (current: T) => T) => void;
  /** Returns the function that removes the listener. */
  readonly subscribe: (listener: () => void) => () => void;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  const set = (next: T): void => {
    if (Object.is(next, value)) return;
    value = next;
    for (const listener of listeners) listener();
  };
  return {
    get: () => value,
    set,
    update: (change) => {
      set(change(value));
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
