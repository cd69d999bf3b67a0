import { expect, it } from "vitest";

import { section } from "../../src/sections/temperatures";
import { sampleAt, sampleFailing, sampleWithout } from "../support/frames";

it("takes a sensor's own limits, and none where it has none", () => {
  const readings = new Map(section.readings?.(sampleAt(1).sections).map((one) => [one.id, one]));
  expect(readings.get("heat:k10temp 0000:00:18.3 Tctl")).toMatchObject({ warn: 85, critical: 95 });
  expect(readings.get("heat:nvme nvme0 Composite")).toMatchObject({ warn: null, critical: null });
});

it("has no place on a host without sensors, but keeps it when the source fails", () => {
  const { vital, panels: [panel] = [] } = section;
  const shown = (sample = sampleAt(1)) => [vital?.isShown?.(sample), panel?.isShown(sample)];
  expect(shown()).toEqual([true, true]);
  expect(shown(sampleAt(1, { temperatures: [] }))).toEqual([false, false]);
  expect(shown(sampleWithout("temperatures"))).toEqual([false, false]);
  expect(shown(sampleFailing("temperatures", "no permission"))).toEqual([true, true]);
});
