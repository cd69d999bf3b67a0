/** Keeps the rows in place: it sorts them every two seconds, but not while the viewer is about to click. */
import { useEffect, useMemo, useState } from "react";

import type { Process } from "../generated";
import { ordered, type SortKey } from "./order";
import { identity } from "./table";

const REORDER_MS = 2000;

interface Order {
  /** The choice and the turn that it was made for. */
  readonly madeFor: string;
  readonly places: ReadonlyMap<string, number>;
}

/** The newest values in an order that is at most two seconds old. Until the next one, new processes come last. */
export function useSteadyOrder(
  rows: readonly Process[],
  key: SortKey,
  reversed: boolean,
  held: boolean,
): Process[] {
  const turn = useTurn(held);
  const [order, setOrder] = useState<Order>({ madeFor: "", places: new Map() });
  const wanted = `${key} ${reversed} ${turn}`;
  if (rows.length > 0 && (order.madeFor !== wanted || order.places.size === 0)) {
    const places = new Map(ordered(rows, key, reversed).map((row, at) => [identity(row), at]));
    setOrder({ madeFor: wanted, places });
  }
  return useMemo(() => {
    const placeOf = (row: Process): number => order.places.get(identity(row)) ?? Infinity;
    return [...rows].sort((one, other) => {
      const [place, otherPlace] = [placeOf(one), placeOf(other)];
      return place === otherPlace ? one.pid - other.pid : place - otherPlace;
    });
  }, [rows, order]);
}

/** Counts up every two seconds, but not while held. */
function useTurn(held: boolean): number {
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
  return turn;
}
