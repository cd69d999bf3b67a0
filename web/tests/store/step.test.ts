import { expect, it } from "vitest";

import { everyFor } from "../../src/store/step";

it.each([
  [0.05, 20],
  [0.1, 10],
  [0.3, 4],
  [0.45, 3],
  [0.7, 2],
  [1, 1],
  [5, 1],
])("with a sample every %s s, asks for every %s-th: at most one per second", (interval, every) => {
  expect(everyFor({ interval_seconds: interval })).toBe(every);
  expect(everyFor({ interval_seconds: interval }) * interval).toBeGreaterThan(0.999);
});
