/** Which page of all processes the table shows, while it shows these instead of the busiest ones. */
import { useCallback, useRef, useState, type RefObject } from "react";

import { useHost, usePage, useView } from "../../store/use-telemetry";
import { sortKeyOf } from "./order";
import type { Listed, ProcessPage } from "./pages";
import { useOnScreen } from "../../parts/on-screen";

export interface AllProcesses {
  /** The place of the first row that is wanted. While the page is paused or a request fails, `page` stays another one. */
  readonly offset: number;
  readonly limit: number;
  /** Null also while there is only a page of another order or filter. */
  readonly page: ProcessPage | null;
  readonly failure: string | null;
  readonly show: (offset: number) => void;
}

/** `choice`: the order and the filter of the page. */
const NOTHING: Listed & { readonly choice: string } = { page: null, failure: null, choice: "" };

/** `isOn` is false while the table shows the busiest processes. */
export function useAllProcesses(
  place: RefObject<HTMLElement | null>,
  limit: number,
  isOn: boolean,
): AllProcesses {
  const host = useHost();
  const { pause } = usePage();
  const view = useView((now) => now);
  const { reversed, filter } = view;
  const sort = sortKeyOf(view);
  const [listed, setListed] = useState(NOTHING);
  if (!isOn && listed !== NOTHING) setListed(NOTHING);
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
        setListed((before) => ({ ...before, ...change, ...(change.page && { choice }) }));
      });
    });
    return () => {
      hasEnded = true;
      stop?.();
    };
  }, [host, pause, isOn, offset, limit, sort, reversed, filter, choice]);
  useOnScreen(place, watch);
  return {
    page: listed.choice === choice ? listed.page : null,
    failure: listed.failure,
    offset,
    limit,
    show: (next) => {
      setChosen({ choice, offset: next });
    },
  };
}
