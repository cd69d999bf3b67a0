/**
 * How long to wait before the next try: exponential from half a second to 15 s, with jitter, so that
 * a room full of dashboards does not come back in the same instant when their server does.
 */
const FIRST_MS = 500;
const GROWTH = 1.7;
const LONGEST_MS = 15_000;

/** `failures` counts tries since the last sample that arrived; `random` is in [0, 1). */
export function retryDelayMs(failures: number, random: () => number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * GROWTH ** Math.max(0, failures));
  return Math.round(full * (0.7 + 0.6 * random()));
}
