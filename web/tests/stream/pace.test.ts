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

/** Samples that are later and later: the factor is doubled with the last one. */
const LATE = [6, 7, 8, 9, 10];
const prompt = (count: number) => Array<number>(count).fill(0.2);

it("goes back to every sample once the line carries it again", () => {
  const pace = new Pace();
  changes(pace, [...LATE, ...LATE.map((delay) => delay + 5)]);
  expect(pace.factor).toBe(4);
  expect(changes(pace, prompt(15)).lastIndexOf(true)).toBe(14); // a minute
  expect(changes(pace, prompt(30)).lastIndexOf(true)).toBe(29);
  expect(pace.factor).toBe(1);
  expect(changes(pace, prompt(1000))).not.toContain(true);
});

it("does not go back while samples are not in time, and tries less often each time the line cannot carry it", () => {
  const pace = new Pace();
  changes(pace, LATE);
  expect(changes(pace, Array<number>(500).fill(2))).not.toContain(true);
  for (const wait of [60, 120, 240]) {
    expect(changes(pace, prompt(wait / 2)).filter(Boolean)).toHaveLength(1);
    expect(pace.factor).toBe(1);
    changes(pace, LATE);
    expect(pace.factor).toBe(2);
  }
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
