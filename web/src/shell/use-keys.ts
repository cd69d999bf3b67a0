/** Runs what a pressed key stands for. While a dialog is open, only the keys of dialogs act. */
import { useEffect } from "react";

import { usePage } from "../store/use-telemetry";
import { keyFor, type Key } from "./keys";

export interface KeyOptions<A> {
  /** Keep it the same list. */
  readonly keys: readonly Key<A>[];
  readonly actions: A;
  /** Escape in a field. */
  readonly clearFilter: () => void;
  /** Null while no dialog is open. */
  readonly closeDialog: (() => void) | null;
}

export function useKeys<A>({ keys, actions, clearFilter, closeDialog }: KeyOptions<A>): void {
  const { view } = usePage();
  useEffect(() => {
    const dialogIsOpen = closeDialog !== null;
    const press = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.defaultPrevented) return;
      if (event.key === "Escape" && !dialogIsOpen && target instanceof HTMLInputElement) {
        clearFilter();
        target.blur();
        return;
      }
      // The browser closes a dialog on Escape, but not one that is being loaded or has failed.
      if (event.key === "Escape" && document.querySelector("dialog") === null) closeDialog?.();
      const key = keyFor(event, view.get().characterKeys, keys);
      if (key === null || (dialogIsOpen && key.dialog === undefined)) return;
      event.preventDefault();
      key.run(actions, event);
    };
    window.addEventListener("keydown", press);
    return () => {
      window.removeEventListener("keydown", press);
    };
  }, [view, keys, actions, clearFilter, closeDialog]);
}
