/** Notices that the viewer is about to click a row: then the rows keep their places. */
import { useEffect, useState, type RefObject } from "react";

/** Without a further key. A row that keeps the focus for longer is not about to be used, and the new order is of more use. */
const FOCUS_MS = 30_000;

/**
 * Return whether the pointer is on a row or the keyboard has moved to one, and the handlers that notice it. `drawn` is
 * anything that changes with the rows: a row that is removed takes its focus along, without an event.
 */
export function useHold(body: RefObject<HTMLElement | null>, drawn: unknown) {
  const [pointer, setPointer] = useState(false);
  /** When the focus moved to a row; null: it is on none. */
  const [focusedAt, setFocusedAt] = useState<number | null>(null);
  // Once React has removed the rows that are gone.
  useEffect(() => {
    queueMicrotask(() => {
      if (!hasFocus(body.current)) setFocusedAt(null);
    });
  }, [body, drawn]);
  useEffect(() => {
    if (focusedAt === null) return;
    const timer = setTimeout(() => {
      setFocusedAt(null);
    }, FOCUS_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [focusedAt]);
  const look = (): void => {
    setFocusedAt(hasFocus(body.current) ? performance.now() : null);
  };
  return {
    held: pointer || focusedAt !== null,
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

/** A click gives a row the focus, too, but the pointer may have left since. */
function hasFocus(body: HTMLElement | null): boolean {
  const focused = document.activeElement;
  return body?.contains(focused) === true && focused?.matches(":focus-visible") === true;
}
