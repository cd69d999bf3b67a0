/** An order that holds still: taken anew each two seconds, and not while somebody is about to click. */
import { useEffect, useMemo, useState } from "react";

import type { Process } from "../protocol/sections";
import { identity } from "../store/processes";
import type { SortKey } from "../store/view";
import { ordered } from "./process-order";

const REORDER_MS = 2000;

/** The newest values in an order that is at most two seconds old; new arrivals go last meanwhile. */
export function useSteadyOrder(
  rows: readonly Process[],
  key: SortKey,
  reversed: boolean,
  held: boolean,
): Process[] {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (held) return;
    const timer = setInterval(() => {
      setTurn((before) => before + 1);
    }, REORDER_MS);
    return () => {
      clearInterval(timer);
    };
  }, [held]);
  const [order, setOrder] = useState<{ for: string; places: ReadonlyMap<string, number> }>({
    for: "",
    places: new Map(),
  });
  const wanted = `${key} ${reversed} ${turn} ${order.places.size === 0}`;
  if (order.for !== wanted && rows.length > 0) {
    const places = new Map(ordered(rows, key, reversed).map((row, at) => [identity(row), at]));
    setOrder({ for: `${key} ${reversed} ${turn} false`, places });
  }
  return useMemo(() => {
    const placeOf = (row: Process): number => order.places.get(identity(row)) ?? Infinity;
    return [...rows].sort((one, other) => {
      const [a, b] = [placeOf(one), placeOf(other)];
      return a === b ? one.pid - other.pid : a - b;
    });
  }, [rows, order]);
}
