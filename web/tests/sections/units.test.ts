// @vitest-environment jsdom
import { act, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { section } from "../../src/sections/units";
import "../../src/sections/units/panel"; // so that the page, which loads it later, does not wait for a file
import { golden, sampleAt, sampleFailing, sampleText } from "../support/frames";
import { connect, installPage, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

const UNITS = {
  failed: 1,
  restarting: 1,
  units: [
    {
      name: "backup.service",
      description: "Nightly backup",
      state: "failed",
      result: "exit-code",
      since_unix: 1_764_000_000 - 90,
      restarts: 0,
    },
    { name: "web.service", state: "restarting", restarts: 41 },
  ],
};
const panel = () => screen.queryByRole("region", { name: "Units" });

it("has a panel only while there is something to show", () => {
  const [shown] = section.panels ?? [];
  expect(shown?.isShown(null)).toBe(false);
  expect(shown?.isShown(sampleAt(1, { units: { failed: 0, restarting: 0, units: [] } }))).toBe(
    false,
  );
  expect(shown?.isShown(sampleAt(1, { units: UNITS }))).toBe(true);
  expect(shown?.isShown(sampleFailing("units", "no answer"))).toBe(true);
});

it("shows the units, and on request why and since when", async () => {
  await connect(golden("hello"), sampleText({ units: UNITS }));
  await settleImports();
  const rows = [...(panel()?.querySelectorAll("tbody tr") ?? [])].map((row) => row.textContent);
  expect(rows).toEqual(["backup.service0failed", "web.service41restarting"]);
  act(() => {
    screen.getByRole("button", { name: "backup.service" }).click();
  });
  expect(panel()?.textContent).toContain("descriptionNightly backup");
  expect(panel()?.textContent).toContain("reasonexit-code");
  expect(panel()?.textContent).toMatch(/since.*, 1?\d* ?.*ago/);
});
