// @vitest-environment jsdom
import { act, fireEvent, screen, within } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { LISTED, loadExplanations } from "../../src/shell/explanations";
import { installDialogs } from "../support/dom";
import { golden, goldenObject } from "../support/frames";
import { connect, installPage, settle, settleImports, tables } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

/** In a container with limits, with a custom section and processes: every panel is shown. */
async function connectWithEverything(user: string | null = null): Promise<void> {
  const cgroup = { version: 2, memory_limit_bytes: 2 ** 30 };
  const sample = { ...goldenObject("sample"), ...goldenObject("sample-custom"), cgroup };
  await connect(JSON.stringify({ ...goldenObject("hello"), user }), JSON.stringify(sample));
  tables().at(-1)?.open();
  tables().at(-1)?.receive(golden("sample-processes"));
  await settle();
}

it("explains every name of the page that promises it, and lists it in the help", async () => {
  await connectWithEverything();
  const explanations = await loadExplanations();
  const keys = [...document.querySelectorAll("[data-explain]")].map((element) =>
    element.getAttribute("data-explain"),
  );
  expect(keys.length).toBeGreaterThan(20);
  for (const key of keys) expect(LISTED).toContain(key);
  for (const key of LISTED) expect(Object.keys(explanations)).toContain(key);
  expect(new Set(LISTED).size).toBe(LISTED.length);
});

it("explains nothing that a keyboard cannot reach", async () => {
  await connectWithEverything("kitchen");
  const control = "button, [tabindex='0']";
  const unreachable = [...document.querySelectorAll("[data-explain]")].filter(
    (element) =>
      element.closest("[aria-hidden=true]") !== null ||
      (!element.matches(control) && element.querySelector(control) === null),
  );
  expect(unreachable.map((element) => element.outerHTML)).toEqual([]);
});

it("shows the explanation of a name after half a second, and hides it on Escape", async () => {
  await connectWithEverything();
  fireEvent.pointerOver(screen.getByText("delay"));
  await settle(499);
  expect(screen.queryByRole("tooltip")).toBeNull();
  await settle(2);
  const { "page.delay": delay } = await loadExplanations();
  await settle();
  expect(screen.getByRole("tooltip").textContent).toContain(delay?.text);
  fireEvent.keyDown(document, { key: "Escape" });
  expect(screen.queryByRole("tooltip")).toBeNull();
});

it("shows no explanation of a name that the pointer has left", async () => {
  await connectWithEverything();
  fireEvent.pointerOver(screen.getByText("delay"));
  await settle(499);
  fireEvent.pointerOver(document.body);
  await settle(1000);
  expect(screen.queryByRole("tooltip")).toBeNull();
});

it("shows no explanation when the pointer leaves while the explanations are loaded", async () => {
  await connectWithEverything();
  fireEvent.pointerOver(screen.getByText("delay"));
  act(() => {
    vi.advanceTimersByTime(500);
  });
  fireEvent.pointerOver(document.body);
  await loadExplanations();
  await settle();
  expect(screen.queryByRole("tooltip")).toBeNull();
});

it("lists keys and explanations in the help", async () => {
  installDialogs();
  act(() => {
    fireEvent.keyDown(window, { key: "?" });
  });
  await settleImports();
  const { memory } = await loadExplanations();
  await settle();
  const help = within(screen.getByTestId("help"));
  expect(help.getByText("kiosk", { exact: false })).toBeTruthy();
  expect(help.getByText(memory?.text ?? "", { exact: false })).toBeTruthy();
});
