import { expect, it } from "vitest";

import { age, duration, uptime } from "../../src/format/time";

it.each([
  [0.3, "0.3 s"],
  [9.96, "10 s"],
  [42, "42 s"],
  [200, "3 min 20 s"],
  [7560, "2 h 06 min"],
  [3_564_762, "41 d 06:12"],
  [null, "–"],
])("writes %s seconds as %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it("counts ages in whole seconds", () => {
  expect([age(4.9), age(200)]).toEqual(["4 s", "3 min 20 s"]);
});

it("counts days of uptime", () => {
  expect([uptime(86_399), uptime(86_400), uptime(null)]).toEqual(["23:59", "1 d 00:00", "–"]);
});
