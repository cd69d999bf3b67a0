/**
 * The delay of a sample: how much later it arrived than the fastest one of the last ten minutes. The difference between
 * the clocks of host and browser is part of every offset, so it drops out. Pure.
 *
 * Ten minutes, because clocks drift apart and are adjusted; the fastest sample of a minute is enough to remember.
 */
export interface Offsets {
  /** The smallest offset of each minute, the newest last. */
  readonly minima: readonly { readonly minute: number; readonly seconds: number }[];
  readonly count: number;
  /** The steps of the page's clock when they were measured. */
  readonly steps: number;
}

export const NO_OFFSETS: Offsets = { minima: [], count: 0, steps: 0 };

const KEPT_MINUTES = 10;
/** After a sleep, the first samples may be old ones that waited in the browser. */
const MIN_SAMPLES = 3;

/** Return the offsets with one more. `seconds` is the arrival minus the sample's own time. */
export function withOffset(
  before: Offsets,
  seconds: number,
  nowMs: number,
  steps: number,
): Offsets {
  const { minima, count } = before.steps === steps ? before : NO_OFFSETS;
  const minute = Math.floor(nowMs / 60_000);
  const newest = minima.at(-1);
  const kept = minima.filter((one) => one.minute > minute - KEPT_MINUTES);
  const next =
    newest?.minute === minute
      ? [...kept.slice(0, -1), { minute, seconds: Math.min(newest.seconds, seconds) }]
      : [...kept, { minute, seconds }];
  return { minima: next, count: count + 1, steps };
}

/** Return the offset of the fastest sample: mostly the difference between the clocks. Null before the first one. */
export function fastestOf({ minima }: Offsets): number | null {
  return minima.length === 0 ? null : Math.min(...minima.map(({ seconds }) => seconds));
}

/** Return how far the clocks of browser and host are apart, in seconds. Null until enough samples show it. */
export function clockDifference(offsets: Offsets): number | null {
  return offsets.count < MIN_SAMPLES ? null : fastestOf(offsets);
}
