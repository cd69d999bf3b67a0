/** Whether the table shows all processes instead of the busiest ones, and which page of them. */
import { useCallback, useRef, useState, type RefObject } from "react";

import { useHost, usePage, useView } from "../../store/use-telemetry";
import { sortKeyOf } from "./order";
import type { Listed, ProcessPage } from "./pages";
import { useOnScreen } from "../../parts/on-screen";

/** The buttons, by which the keys find them. */
export const ALL_ID = "all-processes";
export const PREVIOUS_ID = "previous-processes";
export const NEXT_ID = "next-processes";

export interface AllProcesses {
  /** False: the table shows the busiest processes. */
  readonly isOn: boolean;
  readonly toggle: () => void;
  readonly offset: number;
  readonly limit: number;
  readonly page: ProcessPage | null;
  readonly failure: string | null;
  readonly show: (offset: number) => void;
}

const NOTHING: Listed = { page: null, failure: null };

export function useAllProcesses(place: RefObject<HTMLElement | null>, limit: number): AllProcesses {
  const host = useHost();
  const { pause } = usePage();
  const view = useView((now) => now);
  const { reversed, filter } = view;
  const sort = sortKeyOf(view);
  const [isOn, setOn] = useState(false);
  const [listed, setListed] = useState(NOTHING);
  // Another order or filter begins with the first page.
  const choice = `${sort} ${reversed} ${filter}`;
  const [chosen, setChosen] = useState({ choice, offset: 0 });
  const offset = chosen.choice === choice ? chosen.offset : 0;
  const notBeforeMs = useRef(0);
  const watch = useCallback(() => {
    if (!isOn) return () => undefined;
    let stop: (() => void) | null = null;
    let hasEnded = false;
    const query = { offset, limit, sort, reversed, filter };
    // The code is loaded when it is needed first.
    void import("./pages").then(({ watchPage }) => {
      if (hasEnded) return;
      stop = watchPage(host, pause, query, notBeforeMs, (change) => {
        setListed((before) => ({ ...before, ...change }));
      });
    });
    return () => {
      hasEnded = true;
      stop?.();
    };
  }, [host, pause, isOn, offset, limit, sort, reversed, filter]);
  useOnScreen(place, watch);
  return {
    ...listed,
    isOn,
    offset,
    limit,
    toggle: () => {
      setOn(!isOn);
      setListed(NOTHING);
    },
    show: (next) => {
      setChosen({ choice, offset: next });
    },
  };
}
