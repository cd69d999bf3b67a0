// @vitest-environment jsdom
import { expect, it, vi } from "vitest";

import { golden, sampleText } from "../support/frames";
import { connect, installPage } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

const facts = () => document.querySelector("header")?.textContent;

it("shows the uptime, and that the server runs in a container", async () => {
  expect(facts()).toContain("up –");
  await connect(golden("hello"), sampleText({ uptime_seconds: 90_000, system: { view: "lxcfs" } }));
  expect(facts()).toContain("up 1 d 01:00");
  expect(facts()).toContain("in a container");
});

it("does not mention a container on a host", async () => {
  await connect(golden("hello"), sampleText({ system: { view: "host" } }));
  expect(facts()).not.toContain("in a container");
});
