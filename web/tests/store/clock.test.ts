import { beforeEach, expect, it } from "vitest";

import { createClock, type Clock } from "../../src/store/clock";

let monotonicMs: number;
let wallMs: number;
let clock: Clock;
const pass = (ms: number) => {
  monotonicMs += ms;
  wallMs += ms;
};
const sleep = (ms: number) => (wallMs += ms);

beforeEach(() => {
  monotonicMs = 1000;
  wallMs = 1_764_000_000_000;
  clock = createClock({ monotonicMs: () => monotonicMs, wallMs: () => wallMs });
});

it("is the monotonic clock while both clocks agree", () => {
  pass(5000);
  expect([clock.nowMs(), clock.steps(), clock.asleepMs()]).toEqual([6000, 0, 0]);
  expect(clock.unixSeconds()).toBe(1_764_000_005);
});

it("includes the time asleep, during which the monotonic clock stands still", () => {
  pass(1000);
  sleep(300_000);
  expect([clock.nowMs(), clock.steps(), clock.asleepMs()]).toEqual([302_000, 1, 300_000]);
  pass(1000);
  sleep(60_000);
  expect([clock.nowMs(), clock.steps()]).toEqual([363_000, 2]);
});

it("does not go back when the wall clock is set back, but counts the step", () => {
  sleep(-3_600_000);
  expect([clock.nowMs(), clock.steps(), clock.asleepMs()]).toEqual([1000, 1, 0]);
});

it("does not take a slow adjustment for sleep, however long it lasts", () => {
  for (let n = 0; n < 10_000; n += 1) {
    pass(1000);
    sleep(0.5);
    clock.nowMs();
  }
  expect([clock.steps(), clock.asleepMs()]).toEqual([0, 0]);
});
