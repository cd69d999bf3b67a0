/** The few sizes that a canvas and a row count need to know; all else is the style sheet's. */
import { useSyncExternalStore } from "react";

export interface Layout {
  /** CSS pixels per sixteenth of a rem. */
  readonly k: number;
  readonly phone: boolean;
  /** Below it the process table stands under the charts and has a fixed number of rows. */
  readonly wide: boolean;
}

const PHONE_MOST = 640;
const WIDE_LEAST = 1200;

let current: Layout = { k: 1, phone: false, wide: true };

function measure(): Layout {
  const k = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
  const next = { k, phone: window.innerWidth <= PHONE_MOST, wide: window.innerWidth >= WIDE_LEAST };
  const same = next.k === current.k && next.phone === current.phone && next.wide === current.wide;
  if (!same) current = next;
  return current;
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("resize", listener);
  return () => {
    window.removeEventListener("resize", listener);
  };
}

/** Measured anew at each `resize`, which the kiosk also sends when it changes the size of everything. */
export function useLayout(): Layout {
  return useSyncExternalStore(subscribe, measure);
}
