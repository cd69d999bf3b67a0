/** Notices that the viewer is about to click a row: then the rows keep their places. */
import { useCallback, useEffect, useState, type RefObject } from "react";

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
