// @vitest-environment jsdom
import { expect, it, vi } from "vitest";

import { alertOf, alertsText } from "../support/alerts";
import { golden } from "../support/frames";
import { connect, installPage } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

it("hatches a mount that does not answer, and marks one with an alert", async () => {
  const full = alertOf({ labels: { mountpoint: "/srv", device: "/dev/sda1", fstype: "ext4" } });
  await connect(golden("hello"), golden("sample"), alertsText([full]));
  const rows = [...document.querySelectorAll(".filesystems tbody tr")];
  expect(rows.map((row) => row.textContent)).toEqual([
    "/41 %38.2 Gi",
    "▲warning /srv91 %164 Gi",
    "/mnt/nasstale 42 s",
  ]);
  expect(rows[2]?.querySelector(".hatched")).not.toBeNull();
});
