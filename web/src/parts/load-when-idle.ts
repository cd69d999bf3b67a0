/** Loads parts of the page in advance. Only a front end does. */
import { loadOnce, type Load } from "./loaded";

/**
 * Load a part before it is shown, when the browser has nothing else to do, and then what it loads itself. What fails is
 * loaded when it is shown.
 */
export function loadWhenIdle<P>(load: Load<P>, then: () => Promise<void>): void {
  const start = (): void => {
    loadOnce(load)
      .then(then)
      .catch(() => undefined);
  };
  // Safari has no idle callbacks.
  if ("requestIdleCallback" in window) requestIdleCallback(start);
  else setTimeout(start, 1000);
}
