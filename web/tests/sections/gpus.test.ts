// @vitest-environment jsdom
import { fireEvent, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { columnsOf } from "../../src/sections";
import { section } from "../../src/sections/gpus";
import { golden, sampleAt, sampleFailing, sampleText, sampleWithout } from "../support/frames";
import { connect, installPage, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

const GPU = {
  id: "0000:01:00.0",
  name: "NVIDIA H100",
  driver: "nvidia",
  state: "active",
  usage_percent: 87,
  memory_used_bytes: 2 ** 35,
  memory_total_bytes: 2 ** 36,
  celsius: 64,
  slowdown_celsius: 87,
  watts: 612.3,
  is_throttled: true,
  throttle_reasons: "power, temperature",
  processes: [{ pid: 4242, name: "python3", usage_percent: 86, memory_bytes: 2 ** 34 }],
};
const ASLEEP = { id: "0000:02:00.0", name: null, driver: "amdgpu", state: "asleep" };

it("is shown only where there is a GPU, and while the source fails", () => {
  const shown = section.panels?.[0]?.isShown;
  expect(shown?.(null)).toBe(false);
  expect(shown?.(sampleWithout("gpus"))).toBe(false);
  expect(shown?.(sampleAt(1, { gpus: [] }))).toBe(false);
  expect(shown?.(sampleAt(1, { gpus: [GPU] }))).toBe(true);
  expect(shown?.(sampleFailing("gpus", "EIO"))).toBe(true);
});

it("shows values, why one is throttled, its processes, and which one sleeps", async () => {
  await connect(golden("hello"), sampleText({ gpus: [GPU, ASLEEP] }));
  await settleImports();
  const panel = screen.getByRole("region", { name: "GPUs" });
  expect(panel.textContent).toContain("NVIDIA H10087 %");
  expect(panel.textContent).toContain("64 °C612 W");
  expect(panel.textContent).toContain("0000:02:00.0asleep");
  fireEvent.click(screen.getByRole("button", { name: /NVIDIA H100/ }));
  expect(panel.textContent).toContain("throttledpower, temperature");
  expect(panel.textContent).toContain("32.0 GiB of 64.0 GiB");
  expect(panel.textContent).toContain("python3 424216.0 GiB · 86 %");
});

it("remembers the values of a GPU, but not those of its processes, which come and go", () => {
  const names = columnsOf(sampleAt(1, { gpus: [GPU] })).map(([name]) => name);
  expect(names).toContain("gpus.0000:01:00.0.usage_percent");
  expect(names.filter((name) => name.includes("processes"))).toEqual([]);
});
