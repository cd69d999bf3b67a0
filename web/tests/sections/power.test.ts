// @vitest-environment jsdom
import { screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { section } from "../../src/sections/power";
import { golden, sampleAt, sampleFailing, sampleText, sampleWithout } from "../support/frames";
import { connect, installPage, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

const BATTERY = {
  name: "BAT0",
  kind: "battery",
  status: "discharging",
  charge_percent: 63,
  watts: 12,
  remaining_seconds: 10800,
};
const shown = (sample = sampleAt(1)) => section.panels?.[0]?.isShown(sample);

it("is shown only where there is a value, and while the source fails", () => {
  expect(shown(sampleWithout("power"))).toBe(false);
  expect(section.panels?.[0]?.isShown(null)).toBe(false);
  expect(shown(sampleAt(1, { power: { rapl: [{ name: "package-0", watts: null }] } }))).toBe(false);
  expect(shown(sampleAt(1, { power: { rapl: [{ name: "package-0", watts: 9 }] } }))).toBe(true);
  expect(shown(sampleAt(1, { power: { supplies: [BATTERY] } }))).toBe(true);
  expect(shown(sampleFailing("power", "EIO"))).toBe(true);
});

it("shows each supply, counter, meter and fan", async () => {
  const power = {
    supplies: [
      BATTERY,
      { name: "AC", kind: "mains", is_online: false },
      { name: "hidpp_0", kind: "battery", scope: "device", model: "Mouse", charge_percent: 80 },
    ],
    rapl: [
      { name: "package-0", watts: 67.58 },
      { name: "psys", watts: null },
    ],
    fans: [{ chip: "nct6775", device: null, sensor: "fan1", label: "CPU fan", rpm: 0 }],
    meters: [{ chip: "power_meter", device: null, sensor: "power1", label: null, watts: 231.5 }],
  };
  await connect(golden("hello"), sampleText({ power }));
  await settleImports();
  const text = screen.getByRole("region", { name: "Power" }).textContent;
  for (const part of ["63 %", "−12.0 W", "3 h", "ACoffline", "Mouse80 %", "67.6 W"]) {
    expect(text).toContain(part);
  }
  expect(text).toContain("CPU fan0 rpm");
  expect(text).toContain("power_meter power1232 W");
  expect(text).not.toContain("psys");
});
