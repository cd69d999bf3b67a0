// @vitest-environment jsdom
import { screen } from "@testing-library/react";
import { afterAll, beforeEach, expect, it, vi } from "vitest";

const { state, part } = vi.hoisted(() => {
  const shared = { broken: false };
  const component = (name: string) => () => {
    if (shared.broken) throw new Error(`${name} is broken`);
    return `${name} works`;
  };
  return { state: shared, part: component };
});

vi.mock("../../src/charts/chart", () => ({ Chart: part("chart") }));
vi.mock("../../src/sections/disk/panel", () => ({ Disks: part("panel") }));
vi.mock("../../src/sections/load/tile", () => ({ LoadTile: part("tile") }));

// The other tests of this worker share the loaded modules, but need these three unchanged.
vi.resetModules();
const { badge, connect, installPage, settle, value } = await import("../support/page");
afterAll(() => {
  vi.resetModules();
});

beforeEach(() => {
  state.broken = true;
  vi.spyOn(console, "error").mockImplementation(() => undefined); // React reports each error there
});

installPage();

it("shows the error in the place of the part, and keeps the rest of the page", async () => {
  await connect();
  expect([badge(), value("cpu"), value("connections")]).toEqual(["live", "29", "218"]);
  expect(screen.getByRole("region", { name: "Disks" }).textContent).toContain("panel is broken");
  expect(screen.getByTitle("tile is broken").textContent).toContain("failed");
  const charts = document.querySelectorAll("figure").length;
  expect(screen.getAllByText(/chart is broken/)).toHaveLength(charts);
});

it("tries the part again after a while", async () => {
  await connect();
  state.broken = false;
  await settle(11_000);
  expect(screen.getByText(/panel works/)).toBeTruthy();
  expect(screen.getByText(/tile works/)).toBeTruthy();
});
