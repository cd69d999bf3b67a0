// @vitest-environment jsdom
import { screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { golden, goldenObject, sampleText } from "../support/frames";
import { connect, installPage } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

it("shows frequency and under-voltage in the tile", async () => {
  const clock = { id: 0, frequency_mhz: 2400, frequency_max_mhz: 3100 };
  const clocks = { cores: [clock], board: { is_under_voltage: true } };
  const cpu = { ...(goldenObject("sample")["cpu"] as object), clocks };
  await connect(golden("hello"), sampleText({ cpu }));
  const tile = screen.getByRole("button", { name: /^CPU/ });
  expect(tile.textContent).toContain("2.4 GHz");
  expect(tile.textContent).toContain("under-voltage");
  expect(tile.querySelector("[title^='core 0, 2.4 GHz']")).not.toBeNull();
});
