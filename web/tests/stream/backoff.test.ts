import { expect, it } from "vitest";

import { retryDelayMs } from "../../src/stream/backoff";

it("grows from half a second to fifteen seconds", () => {
  const delays = [0, 1, 2, 4, 8, 50].map((failures) => retryDelayMs(failures, () => 0.5));
  expect(delays).toEqual([500, 850, 1445, 4176, 15_000, 15_000]);
});

it("varies by 30 % in both directions, so that viewers do not connect together", () => {
  expect([retryDelayMs(50, () => 0), retryDelayMs(50, () => 0.999)]).toEqual([10_500, 19_491]);
});
