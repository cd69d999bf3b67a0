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

it("shows who is logged in, and that a reboot is required", async () => {
  const system = { view: "host", sessions: 2, session_users: "ada bob", reboot_required: true };
  await connect(golden("hello"), sampleText({ system }));
  expect(facts()).toContain("2 logged in");
  expect(document.querySelector("header [title='ada bob']")).not.toBeNull();
  expect(facts()).toContain("reboot required");
});

it("shows neither where nobody is logged in and no reboot is required", async () => {
  const system = { view: "host", sessions: 0, session_users: null, reboot_required: false };
  await connect(golden("hello"), sampleText({ system }));
  expect(facts()).not.toMatch(/logged in|reboot/);
});
