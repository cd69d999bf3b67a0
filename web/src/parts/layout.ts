/** The few sizes that code needs to know. The style sheets decide everything else. */
import { useSyncExternalStore } from "react";

export interface Layout {
  /** CSS pixels per sixteenth of a rem. */
  readonly scale: number;
  readonly phone: boolean;
  /** The processes stand beside the charts. Otherwise they are below, with a fixed number of rows. */
  readonly wide: boolean;
  /** The readouts have space for more than the newest values. */
  readonly roomy: boolean;
}

/** As in the style sheets. In em of the reader's own font size: with a larger one, less fits beside each other. */
const PHONE = "(width <= 40em)";
const WIDE = "(width >= 75em)";
const ROOMY = "(width >= 110em)";

let current: Layout | null = null;

/** Measuring makes the browser compute styles, so it is done once per change and not for each component that draws. */
function measure(): Layout {
  return {
    scale: parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1,
    phone: matchMedia(PHONE).matches,
    wide: matchMedia(WIDE).matches,
    roomy: matchMedia(ROOMY).matches,
  };
}

function layout(): Layout {
  return (current ??= measure());
}

function subscribe(listener: () => void): () => void {
  const resized = (): void => {
    const next = measure();
    const same = Object.entries(next).every(
      ([name, value]) => current?.[name as keyof Layout] === value,
    );
    if (!same) current = next;
    listener();
  };
  window.addEventListener("resize", resized);
  return () => {
    window.removeEventListener("resize", resized);
  };
}

/** Measured at each `resize`, which the page also sends itself when it enters or leaves kiosk mode. */
export function useLayout(): Layout {
  return useSyncExternalStore(subscribe, layout);
}
