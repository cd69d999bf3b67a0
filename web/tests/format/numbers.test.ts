import { expect, it } from "vitest";

import {
  byteRateText,
  bytesShort,
  bytesText,
  count,
  fixed,
  percent,
  percentText,
  perSecond,
} from "../../src/format/numbers";

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [999.5, "0.98 KiB"],
  [1023, "1.00 KiB"],
  [421_888, "412 KiB"],
  [5_127_536, "4.89 MiB"],
  [67_323_736_064, "62.7 GiB"],
  [1022.9 * 1024, "1.00 MiB"],
  [null, "–"],
])("writes %s bytes as %s", (value, text) => {
  expect(bytesText(value)).toBe(text);
});

it("shortens units in tables like free -h", () => {
  expect([bytesShort(67_323_736_064), bytesShort(12), bytesShort(null)]).toEqual([
    "62.7 Gi",
    "12 B",
    "–",
  ]);
});

it("adds /s to a rate, but not to an unknown one", () => {
  expect([byteRateText(1024), byteRateText(undefined)]).toEqual(["1.00 KiB/s", "–"]);
});

it.each([
  [0, "0.0"],
  [9.94, "9.9"],
  [9.95, "10"],
  [99.96, "100"],
  [null, "–"],
])("writes %s percent as %s", (value, text) => {
  expect(percent(value)).toBe(text);
});

it("puts a space before the percent sign", () => {
  expect(percentText(91)).toBe("91 %");
});

it("groups counts with thin spaces and uses a true minus", () => {
  expect([
    count(2791),
    count(999),
    count(1_234_567),
    count(-1000),
    count(-0.2),
    fixed(-1.5, 1),
  ]).toEqual(["2\u2009791", "999", "1\u2009234\u2009567", "\u22121\u2009000", "0", "\u22121.5"]);
});

it("writes a rate per second with one decimal below ten", () => {
  expect([perSecond(0.44), perSecond(2791), perSecond(null)]).toEqual([
    "0.4 /s",
    "2\u2009791 /s",
    "–",
  ]);
});
