/** Hooks that watch whether the table is on screen, and how many rows fit into it. */
import { useEffect, useRef, useState } from "react";

/** The heights of the head and of a row in the style sheet. */
const HEAD_REM = 1.25;
const ROW_REM = 1.3125;

/** Call `start` when the element is on screen in a visible tab, and the function that it returned when it is not. */
export function useOnScreen(
  place: React.RefObject<HTMLElement | null>,
  start: () => () => void,
): void {
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let stop: (() => void) | null = null;
    let onScreen = false;
    const update = (): void => {
      if (onScreen && document.visibilityState !== "hidden") {
        stop ??= start();
      } else {
        stop?.();
        stop = null;
      }
    };
    const observer = new IntersectionObserver((entries) => {
      onScreen = entries.at(-1)?.isIntersecting ?? false;
      update();
    });
    observer.observe(element);
    document.addEventListener("visibilitychange", update);
    return () => {
      observer.disconnect();
      document.removeEventListener("visibilitychange", update);
      stop?.();
    };
  }, [place, start]);
}

/** Return a ref for the list and a limit for its rows: in kiosk mode, where nobody can scroll, those that fit. */
export function useFittingRows(kiosk: boolean): [React.RefObject<HTMLDivElement | null>, number] {
  const list = useRef<HTMLDivElement>(null);
  const [fitting, setFitting] = useState(Infinity);
  useEffect(() => {
    const element = list.current;
    if (element === null || !kiosk) return;
    const observer = new ResizeObserver(() => {
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      setFitting(Math.max(1, Math.floor((element.clientHeight / rem - HEAD_REM) / ROW_REM)));
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [kiosk]);
  return [list, kiosk ? fitting : Infinity];
}
