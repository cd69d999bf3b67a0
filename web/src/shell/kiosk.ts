/** For a page on a wall: keeps the screen on, and shifts the page by a pixel every ten minutes against burn-in. */
import { useEffect } from "react";

const SHIFT_MS = 600_000;

/** Does it while it is shown. */
export function Kiosk(): null {
  useEffect(() => start(document.documentElement), []);
  return null;
}

/** Start it, and return the function that ends it. */
function start(root: HTMLElement): () => void {
  let lock: WakeLockSentinel | null = null;
  let stopped = false;
  const keepAwake = (): void => {
    if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
    navigator.wakeLock.request("screen").then(
      (granted) => {
        lock = granted;
        if (stopped) void granted.release();
      },
      () => undefined, // refused, for example on battery: the page still works
    );
  };
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    root.style.setProperty("--shift-x", `${turn % 2}px`);
    root.style.setProperty("--shift-y", `${(turn >> 1) % 2}px`);
  }, SHIFT_MS);
  // The browser releases the lock when the tab is hidden.
  document.addEventListener("visibilitychange", keepAwake);
  keepAwake();
  return () => {
    stopped = true;
    clearInterval(timer);
    root.style.removeProperty("--shift-x");
    root.style.removeProperty("--shift-y");
    document.removeEventListener("visibilitychange", keepAwake);
    void lock?.release();
  };
}
