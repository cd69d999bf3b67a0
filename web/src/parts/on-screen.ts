/** A hook for panels that ask for on-demand sections only while a viewer can see them. */
import { useEffect } from "react";

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
