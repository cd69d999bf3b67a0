/**
 * The delay before the next try: exponential from 0.5 s to 15 s, with jitter, so that many dashboards do not connect at
 * the same moment when their server is back.
 */
const FIRST_MS = 500;
const GROWTH = 1.7;
const LONGEST_MS = 15_000;

/** Return the delay. `failures` is the number of tries since the last message; `random` returns numbers in [0, 1). */
export function retryDelayMs(failures: number, random: () => number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * GROWTH ** Math.max(0, failures));
  return Math.round(full * (0.7 + 0.6 * random()));
}
