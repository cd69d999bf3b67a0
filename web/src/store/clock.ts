/**
 * The clock of the page. A browser has two: a monotonic one, which may stand still while a laptop sleeps, and that of
 * the wall, which can be set. Every reading compares them. Where the wall clock moved ahead of the monotonic one, the
 * laptop slept; the clock then adds this time. Setting the wall clock ahead looks the same, and costs one reconnection.
 */
export interface BrowserClocks {
  readonly monotonicMs: () => number;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
}

export const BROWSER_CLOCKS: BrowserClocks = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

export interface Clock {
  /** Milliseconds that never go back, and that include the time asleep. */
  readonly nowMs: () => number;
  /** Seconds since 1970. */
  readonly unixSeconds: () => number;
  /** How often the two clocks moved apart. Times by the wall clock from before the last time are not comparable. */
  readonly steps: () => number;
  /** The time asleep so far. */
  readonly asleepMs: () => number;
}

/** Smaller differences are the work of NTP, which adjusts the wall clock slowly. */
const STEP_MS = 2000;

export function createClock({ monotonicMs, wallMs }: BrowserClocks = BROWSER_CLOCKS): Clock {
  let apart = wallMs() - monotonicMs();
  let asleepMs = 0;
  let steps = 0;
  const nowMs = (): number => {
    const monotonic = monotonicMs();
    const moved = wallMs() - monotonic - apart;
    apart += moved;
    if (Math.abs(moved) > STEP_MS) {
      steps += 1;
      asleepMs += Math.max(0, moved);
    }
    return monotonic + asleepMs;
  };
  return {
    nowMs,
    unixSeconds: () => wallMs() / 1000,
    steps: () => {
      nowMs();
      return steps;
    },
    asleepMs: () => {
      nowMs();
      return asleepMs;
    },
  };
}
