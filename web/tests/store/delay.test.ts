import { expect, it } from "vitest";

import { clockDifference, fastestOf, NO_OFFSETS, withOffset } from "../../src/store/delay";

/** After these offsets, one per second from `fromMs` on. */
function offsetsAfter(offsets: readonly number[], fromMs = 0, before = NO_OFFSETS, steps = 0) {
  return offsets.reduce(
    (now, seconds, at) => withOffset(now, seconds, fromMs + at * 1000, steps),
    before,
  );
}

it("is measured from the fastest sample", () => {
  expect(fastestOf(offsetsAfter([5.3, 5.1, 5.2]))).toBe(5.1);
});

it("forgets the fastest sample after ten minutes, because clocks drift", () => {
  const drifting = Array.from({ length: 1800 }, (_, second) => 5 + second / 1000);
  const offsets = offsetsAfter(drifting);
  expect(fastestOf(offsets)).toBeGreaterThan(6.1);
  expect(offsets.minima).toHaveLength(10);
});

it("begins again when a clock was set", () => {
  const right = offsetsAfter([0.1, 0.1, 0.1]);
  expect(fastestOf(offsetsAfter([3600.1], 3000, right, 1))).toBe(3600.1);
});

it("shows how far the clocks are apart only after three samples", () => {
  expect(clockDifference(offsetsAfter([300, 0.1]))).toBeNull();
  expect(clockDifference(offsetsAfter([300, 0.1, 0.2]))).toBe(0.1);
});
