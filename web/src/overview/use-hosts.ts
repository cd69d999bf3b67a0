/** What the table and the map have in common: which part of them is on screen, and how the keyboard moves on them. */
import {
  useEffect,
  useLayoutEffect,
  useRef,
  useSyncExternalStore,
  type KeyboardEvent,
  type RefObject,
  type SyntheticEvent,
} from "react";

import { usePage, useStore } from "../store/use-telemetry";
import type { RunningOverview } from "./create-overview";
import type { Row } from "./order";
import { partsOf, placeAfter, rangeOf, type Part, type Range } from "./window";

/** Return the lines on screen and around it. `lines` are of this height in CSS pixels; the page scrolls, not the list. */
export function useRange(
  list: RefObject<HTMLElement | null>,
  lines: number,
  height: number,
): Range {
  // A text, because it is equal as long as the same lines are on screen.
  const shown = useSyncExternalStore(onScroll, () => {
    const top = -(list.current?.getBoundingClientRect().top ?? 0);
    const { from, to } = rangeOf({ top: top / height, height: window.innerHeight / height }, lines);
    return `${from} ${to}`;
  });
  const [from = 0, to = 0] = shown.split(" ").map(Number);
  return { from, to };
}

function onScroll(listener: () => void): () => void {
  window.addEventListener("scroll", listener, { passive: true });
  window.addEventListener("resize", listener);
  return () => {
    window.removeEventListener("scroll", listener);
    window.removeEventListener("resize", listener);
  };
}

export interface HostList {
  readonly parts: readonly Part[];
  /** The place that the tab key reaches. */
  readonly active: number;
  readonly handlers: {
    readonly onKeyDown: (event: KeyboardEvent) => void;
    readonly onClick: (event: React.MouseEvent) => void;
    readonly onFocus: (event: SyntheticEvent) => void;
    readonly onPointerOver: (event: SyntheticEvent) => void;
    readonly onPointerLeave: () => void;
    readonly onBlur: () => void;
  };
}

export interface HostListOptions {
  readonly overview: RunningOverview;
  readonly rows: readonly Row[];
  readonly list: RefObject<HTMLElement | null>;
  readonly perLine: number;
  /** That of a line, in CSS pixels. */
  readonly height: number;
}

/**
 * Return what to draw and how it behaves. There is one stop of the tab key for all hosts; the arrows move on from it.
 * Elements with `data-host` belong to a host, and the link in each of them opens it.
 */
export function useHostList(options: HostListOptions): HostList {
  const { overview, rows, list, perLine, height } = options;
  const describe = overview.described.set;
  const { fleet } = usePage();
  const lines = Math.ceil(rows.length / perLine);
  const range = useRange(list, lines, height);
  const chosen = useStore(overview.active, (number) => number);
  const active = Math.max(
    0,
    rows.findIndex(({ number }) => number === chosen),
  );
  const isKept = chosen !== null && rows.length > 0;
  const parts = partsOf(range, lines, isKept ? Math.floor(active / perLine) : null);

  // Once the row is in the document. The browser scrolls to what gets the focus.
  const focusNext = useRef(false);
  useLayoutEffect(() => {
    if (!focusNext.current) return;
    focusNext.current = false;
    list.current?.querySelector<HTMLElement>(`[data-host="${chosen ?? ""}"] a`)?.focus();
  });
  useEffect(() => {
    // The host that the viewer comes back from.
    if (overview.active.get() === null) return;
    list.current
      ?.querySelector<HTMLElement>(`[data-host="${overview.active.get() ?? ""}"] a`)
      ?.focus({ preventScroll: false });
  }, [overview, list]);

  useUntouchedWhileScrolling(list);

  const move = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(window.innerHeight / height) - 3);
    const to = placeAfter(event.key, active, { count: rows.length, perLine, page });
    const row = to === null ? undefined : rows[to];
    if (row === undefined) return;
    event.preventDefault();
    focusNext.current = true;
    overview.active.set(row.number);
  };
  const open = (event: React.MouseEvent): void => {
    // A new tab, or something else that the browser does with a link.
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const number = hostOf(event.target);
    const row = rows.find((one) => one.number === number);
    if (row === undefined || fleet === null) return;
    event.preventDefault();
    fleet.open(row.host.id);
  };
  return {
    parts,
    active,
    handlers: {
      onKeyDown: move,
      onClick: open,
      onFocus: ({ target }) => {
        const number = hostOf(target);
        if (number === null) return;
        overview.active.set(number);
        describe(number);
      },
      onPointerOver: ({ target }) => {
        describe(hostOf(target));
      },
      onPointerLeave: () => {
        describe(null);
      },
      onBlur: () => {
        describe(null);
      },
    },
  };
}

const STILL_MS = 100;

/** While the page scrolls, the pointer is on no host: finding the one below it and drawing its note takes half of a frame. */
function useUntouchedWhileScrolling(list: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const style = list.current?.style;
    if (style === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stand = (): void => {
      timer = undefined;
      style.pointerEvents = "";
    };
    const scroll = (): void => {
      if (timer === undefined) style.pointerEvents = "none";
      clearTimeout(timer);
      timer = setTimeout(stand, STILL_MS);
    };
    window.addEventListener("scroll", scroll, { passive: true });
    return () => {
      window.removeEventListener("scroll", scroll);
      clearTimeout(timer);
      stand();
    };
  }, [list]);
}

function hostOf(target: EventTarget): number | null {
  const element = target instanceof Element ? target.closest("[data-host]") : null;
  return element === null ? null : Number(element.getAttribute("data-host"));
}
