// @vitest-environment jsdom
import { screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import "../../src/sections/cgroup/panel"; // so that the page, which loads it later, does not wait for a file
import { golden, goldenObject, sampleText } from "../support/frames";
import { connect, installPage } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

const panel = () => screen.queryByRole("region", { name: "Limits" })?.textContent ?? null;

it("has no panel without a limit", async () => {
  await connect(golden("hello"), sampleText({ cgroup: { version: 2 } }));
  expect(panel()).toBeNull();
});

it("shows the limits of a container beside what the host has", async () => {
  const cgroup = {
    version: 2,
    memory_limit_bytes: 2 ** 31,
    memory_working_set_bytes: 2 ** 30,
    cpu_limit_cores: 2,
    cpu_usage_percent: 130,
  };
  await connect(golden("hello"), sampleText({ cgroup, system: { view: "container" } }));
  expect(panel()).toContain("this container");
  expect(panel()).toContain("1.00 GiB of 2.00 GiB");
  expect(panel()).toContain("1.30 of 2.00");
});

it("shows a use that is unknown as such", async () => {
  const cgroup = { version: 2, cpu_limit_cores: 2, cpu_usage_percent: null };
  await connect(golden("hello"), sampleText({ cgroup }));
  expect(panel()).toContain("cores– of 2.00");
});

it("shows why its source failed", async () => {
  const { cgroup: _, ...rest } = goldenObject("sample");
  const sources = { cgroup: { state: "failed", took_seconds: 0, reason: "no cpu.max" } };
  await connect(golden("hello"), JSON.stringify({ ...rest, sources }));
  expect(panel()).toContain("no cpu.max");
});
