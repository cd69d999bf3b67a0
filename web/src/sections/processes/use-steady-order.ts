/** Sorts the rows with every sample, but not while the viewer is about to click: then each row keeps its place. */
import { useMemo, useState } from "react";

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
