/** What a table has to know of its place: whether anybody can see it, and how many rows fit. */
import { useEffect, useRef, useState } from "react";

const HEAD_REM = 1.25;
const ROW_REM = 1.3125;

/** Runs while the element is on screen and the tab is shown; `run` answers with how to stop. */
export function useOnScreen(
  place: React.RefObject<HTMLElement | null>,
  run: () => () => void,
): void {
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let stop: (() => void) | null = null;
    let onScreen = false;
    const decide = (): void => {
      const wanted = onScreen && document.visibilityState !== "hidden";
      if (wanted) stop ??= run();
      else {
        stop?.();
        stop = null;
      }
    };
    const observer = new IntersectionObserver((entries) => {
      onScreen = entries.at(-1)?.isIntersecting ?? false;
      decide();
    });
    observer.observe(element);
    document.addEventListener("visibilitychange", decide);
    return () => {
      observer.disconnect();
      document.removeEventListener("visibilitychange", decide);
      stop?.();
    };
  }, [place, run]);
}

/** On a wall nobody scrolls: as many whole rows as there is room for. */
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
