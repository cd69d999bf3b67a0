/** A page on a wall: never asleep, and shifted by a pixel each ten minutes against burn-in. */
const SHIFT_MS = 600_000;

export function startKiosk(root: HTMLElement): () => void {
  let lock: WakeLockSentinel | null = null;
  let stopped = false;
  const stayAwake = (): void => {
    if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
    navigator.wakeLock.request("screen").then(
      (granted) => {
        lock = granted;
        if (stopped) void granted.release();
      },
      () => undefined, // refused on battery: the page still works, the screen sleeps
    );
  };
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    root.style.setProperty("--shift-x", `${turn % 2}px`);
    root.style.setProperty("--shift-y", `${(turn >> 1) % 2}px`);
  }, SHIFT_MS);
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
  return () => {
    stopped = true;
    clearInterval(timer);
    document.removeEventListener("visibilitychange", stayAwake);
    void lock?.release();
  };
}
