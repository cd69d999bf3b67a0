// @vitest-environment jsdom
import { fireEvent, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import "../../src/sections/temperatures/panel"; // so that the page, which loads it later, does not wait for a file
import { section } from "../../src/sections/temperatures";
import { golden, sampleAt, sampleFailing, sampleText, sampleWithout } from "../support/frames";
import { connect, installPage, lastStream, settle } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

/** The sample after the golden one. */
const NEXT = { seq: 43, time_unix: 1_764_000_043, uptime_seconds: 3_564_763.5 };

const sensor = (name: string, celsius: number, limits = {}) => ({
  ...{ chip: "dell_smm", device: null, sensor: name, label: "Other", celsius, age_seconds: 0 },
  ...limits,
});

it("has no place on a host without sensors, but keeps it when the source fails", () => {
  const { vital, panels: [panel] = [] } = section;
  const shown = (sample = sampleAt(1)) => [vital?.isShown?.(sample), panel?.isShown(sample)];
  expect(shown()).toEqual([true, true]);
  expect(shown(sampleAt(1, { temperatures: [] }))).toEqual([false, false]);
  expect(shown(sampleWithout("temperatures"))).toEqual([false, false]);
  expect(shown(sampleFailing("temperatures", "no permission"))).toEqual([true, true]);
});

it("shows the value of each sensor, also where two have the same label", async () => {
  const temperatures = [sensor("temp5", 40), sensor("temp6", 71)];
  await connect(golden("hello"), sampleText({ temperatures }));
  const panel = screen.getByRole("region", { name: "Temperatures" });
  const rows = [...panel.querySelectorAll("dl > div")].map((row) => row.textContent);
  expect(rows).toEqual(["dell_smm Other40 °C", "dell_smm Other71 °C"]);
  fireEvent.keyDown(window, { key: "h" });
  await settle();
  const legend = [...document.querySelectorAll(".readout button")].map((row) => row.textContent);
  expect(legend).toEqual(
    expect.arrayContaining(["dell_smm Other temp540 °C", "dell_smm Other temp671 °C"]),
  );
});

it("marks the limits of the hottest sensor only, also after one whose two limits are equal", async () => {
  const one = sensor("temp5", 71, { high_celsius: 100, critical_celsius: 100 });
  const other = sensor("temp6", 40, { high_celsius: 90, critical_celsius: 95 });
  await connect(golden("hello"), sampleText({ temperatures: [one, other] }));
  const ticks = () => document.querySelectorAll("[data-focus=heat] .bar-strip b");
  expect(ticks()).toHaveLength(2);
  lastStream().receive(sampleText({ ...NEXT, temperatures: [one, { ...other, celsius: 80 }] }));
  await settle();
  expect(ticks()).toHaveLength(2);
});
