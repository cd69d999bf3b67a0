// @vitest-environment jsdom
import { expect, it, vi } from "vitest";

import { section } from "../../src/sections/filesystems";
import { sampleAt, sampleText } from "../support/frames";
import { connect, installPage, lastStream, settle } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

it("has no threshold for a mount that does not answer", () => {
  const readings = new Map(section.readings?.(sampleAt(1).sections).map((one) => [one.id, one]));
  expect(readings.has("filesystem:/mnt/nas")).toBe(false);
  expect(readings.get("filesystem:/srv")).toMatchObject({ value: 91.2, warn: 90, critical: 97 });
});

it("hatches a mount that does not answer, and marks a full one after ten seconds", async () => {
  await connect();
  for (let seq = 43; seq < 56; seq += 1) {
    lastStream().receive(
      sampleText({ seq, time_unix: 1_764_000_000 + seq, uptime_seconds: 3_564_720 + seq }),
    );
  }
  await settle();
  const rows = [...document.querySelectorAll(".filesystems tbody tr")];
  expect(rows.map((row) => row.textContent)).toEqual([
    "/41 %38.2 Gi",
    "/srvwarn 91 %164 Gi",
    "/mnt/nasstale 42 s",
  ]);
  expect(rows[2]?.querySelector(".hatched")).not.toBeNull();
  expect(document.title).toMatch(/^▲ ada/);
});
