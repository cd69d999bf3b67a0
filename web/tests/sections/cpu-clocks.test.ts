import { expect, it } from "vitest";

import { coreText, fastest, isThrottled, slowdownOf } from "../../src/sections/cpu/clocks";

const clock = (id: number, mhz: number | null) => ({
  id,
  type: "efficiency",
  frequency_mhz: mhz,
  frequency_max_mhz: 3100,
  governor: "powersave",
});
const OK = {
  is_under_voltage: false,
  is_frequency_capped: false,
  is_throttled: false,
  is_hot: false,
  was_under_voltage: true,
  was_frequency_capped: false,
  was_throttled: true,
  was_hot: false,
};
const clocks = (changes: object = {}) => ({
  cores: [clock(0, 2400), clock(1, null)],
  packages: [],
  core_throttles_per_second: null,
  board: null,
  age_seconds: 0,
  ...changes,
});

it("names a core with its frequency, limit, type and governor", () => {
  expect(coreText(0, clock(0, 2400))).toBe("core 0, 2.4 GHz of 3.1 GHz, efficiency, powersave");
  expect(coreText(1, clock(1, null))).toBe("core 1, efficiency, powersave");
  expect(coreText(2, undefined)).toBe("core 2");
});

it("knows the highest frequency, and none where there is none", () => {
  expect(fastest(clocks())).toBe("2.4 GHz");
  expect(fastest(clocks({ cores: [] }))).toBeNull();
  expect(fastest(null)).toBeNull();
});

it.each([
  [clocks(), null, null],
  [clocks({ board: OK }), false, null],
  [clocks({ board: { ...OK, is_under_voltage: true, is_throttled: true } }), true, "under-voltage"],
  [clocks({ board: { ...OK, is_throttled: true } }), true, "throttled"],
  [clocks({ board: { ...OK, is_frequency_capped: true } }), false, "capped"],
  [clocks({ core_throttles_per_second: 2 }), true, "throttled"],
  [clocks({ packages: [{ id: 0, throttles_per_second: 1 }] }), true, "throttled"],
  [clocks({ core_throttles_per_second: 0 }), false, null],
])("tells what slows the cores down now, not what did before (%#)", (given, throttled, name) => {
  expect(isThrottled(given)).toBe(throttled);
  expect(slowdownOf(given)).toBe(name);
});
