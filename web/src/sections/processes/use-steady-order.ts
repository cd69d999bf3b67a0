/** Sorts the rows with every sample, but not while the viewer is about to click: then each row keeps its place. */
import { useCallback, useEffect, useMemo, useState, type RefObject } from "react";

import type { Process } from "../../protocol/sections";
import { ordered, type SortKey } from "./order";
import { identity } from "./table";

interface Kept {
  /** The choice that the places were made for. */
  readonly choice: string;
  readonly places: ReadonlyMap<string, number>;
}

/** Return the newest values. While the order is held, new processes come last. */
export function useSteadyOrder(
  rows: readonly Process[],
  key: SortKey,
  reversed: boolean,
  held: boolean,
): Process[] {
  const [kept, setKept] = useState<Kept | null>(null);
  const sorted = useMemo(() => ordered(rows, key, reversed), [rows, key, reversed]);
  const choice = `${key} ${reversed}`;
  if (!held && kept !== null) setKept(null);
  if (held && rows.length > 0 && kept?.choice !== choice) {
    setKept({ choice, places: new Map(sorted.map((row, at) => [identity(row), at])) });
  }
  return useMemo(() => {
    if (kept === null) return sorted;
    const placeOf = (row: Process): number => kept.places.get(identity(row)) ?? sorted.length;
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other));
  }, [sorted, kept]);
}

/**
 * Return whether the pointer or the keyboard's focus is on a row, and the handlers that notice it. `drawn` is anything
 * that changes with the rows: a row that is removed takes its focus along, without an event.
 */
export function useHold(body: RefObject<HTMLElement | null>, drawn: unknown) {
  const [pointer, setPointer] = useState(false);
  const [focus, setFocus] = useState(false);
  const look = useCallback((): void => {
    const focused = document.activeElement;
    setFocus(
      body.current?.contains(focused) === true && focused?.matches(":focus-visible") === true,
    );
  }, [body]);
  // Once React has removed the rows that are gone.
  useEffect(() => {
    queueMicrotask(look);
  }, [look, drawn]);
  return {
    held: pointer || focus,
    handlers: {
      onPointerEnter: () => {
        setPointer(true);
      },
      onPointerLeave: () => {
        setPointer(false);
      },
      onFocus: look,
      // The next element has the focus only after this event.
      onBlur: () => {
        queueMicrotask(look);
      },
    },
  };
}
