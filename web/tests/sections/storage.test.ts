// @vitest-environment jsdom
import { act, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { section } from "../../src/sections/storage";
import "../../src/sections/storage/panel"; // so that the page, which loads it later, does not wait for a file
import { golden, sampleAt, sampleFailing, sampleText } from "../support/frames";
import { connect, installPage, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

const UUID = "0f1e2d3c-1111-2222-3333-444455556666";
const STORAGE = {
  arrays: [
    {
      name: "md0",
      level: "raid5",
      state: "active",
      required: 3,
      active: 2,
      degraded: 1,
      sync_action: "recover",
      sync_percent: 25,
      sync_bytes_per_second: 512_000,
      sync_left_seconds: 75,
      members: [
        { name: "sda1", state: "active" },
        { name: "sdc1", state: "rebuilding" },
      ],
    },
    { name: "md1", state: "clean", required: 2, active: 2, degraded: null, sync_action: null },
  ],
  pools: [{ name: "tank", state: "ONLINE" }],
  btrfs: [
    { uuid: UUID, device_id: "1", filesystem_label: "data", missing: false, read_errors: 3 },
    { uuid: UUID, device_id: "2", filesystem_label: null, missing: true },
  ],
};
const panel = () => screen.queryByRole("region", { name: "Storage health" });

it("has a panel only on a host with such storage, and while its source fails", () => {
  const [shown] = section.panels ?? [];
  expect(shown?.isShown(null)).toBe(false);
  expect(shown?.isShown(sampleAt(1))).toBe(false);
  expect(shown?.isShown(sampleAt(1, { storage: STORAGE }))).toBe(true);
  expect(shown?.isShown(sampleFailing("storage", "EIO"))).toBe(true);
});

it("shows the state of each, and the members of an array on request", async () => {
  await connect(golden("hello"), sampleText({ storage: STORAGE }));
  await settleImports();
  const rows = [...(panel()?.querySelectorAll("tbody tr") ?? [])].map((row) => row.textContent);
  expect(rows).toEqual([
    "md02/3recover 25 %",
    "md12/2clean",
    "tankonline",
    "data 13 errors",
    "0f1e2d3c 2missing",
  ]);
  act(() => {
    screen.getByRole("button", { name: "md0" }).click();
  });
  expect(panel()?.textContent).toContain("time left75 s");
  expect(panel()?.textContent).toContain("sdc1rebuilding");
});
