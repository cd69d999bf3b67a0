import { expect, it } from "vitest";

import { section } from "../../src/sections/temperatures";
import { sampleAt, sampleFailing, sampleWithout } from "../support/frames";

it("has no place on a host without sensors, but keeps it when the source fails", () => {
  const { vital, panels: [panel] = [] } = section;
  const shown = (sample = sampleAt(1)) => [vital?.isShown?.(sample), panel?.isShown(sample)];
  expect(shown()).toEqual([true, true]);
  expect(shown(sampleAt(1, { temperatures: [] }))).toEqual([false, false]);
  expect(shown(sampleWithout("temperatures"))).toEqual([false, false]);
  expect(shown(sampleFailing("temperatures", "no permission"))).toEqual([true, true]);
});
