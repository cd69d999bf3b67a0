import { expect, it } from "vitest";

import { Pace } from "../../src/stream/pace";

const changes = (pace: Pace, delays: readonly number[]) => delays.map((one) => pace.sample(one));

it("asks for half of the samples once five in a row were later and later", () => {
  const pace = new Pace();
  expect(changes(pace, [1, 3, 6, 6, 7, 8])).not.toContain(true);
  expect([pace.sample(9), pace.factor]).toEqual([true, 2]);
  expect(changes(pace, [10, 11, 12, 13, 14])).toEqual([false, false, false, false, true]);
  expect(pace.factor).toBe(4);
});

it("does not react to what waited during an interruption, nor to a constant distance", () => {
  const pace = new Pace();
  expect(changes(pace, [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10])).not.toContain(true);
  expect(changes(pace, Array<number>(50).fill(4.9))).not.toContain(true);
});

it("has a limit, and begins anew with another line", () => {
  const pace = new Pace();
  changes(
    pace,
    Array.from({ length: 100 }, (_, n) => n + 6),
  );
  expect(pace.factor).toBe(64);
  pace.reset();
  expect(pace.factor).toBe(1);
});
