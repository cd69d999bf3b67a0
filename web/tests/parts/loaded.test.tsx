// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Boundary } from "../../src/parts/boundary";
import { loaded, loadedPanel, loadParts } from "../../src/parts/loaded";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});
const settle = (ms = 0) => act(() => vi.advanceTimersByTimeAsync(ms));
const Table = () => <table />;

it("shows the title of a panel until its code is loaded", async () => {
  let arrive: (table: typeof Table) => void = () => undefined;
  const Panel = loadedPanel(
    "Disks",
    () =>
      new Promise((resolve) => {
        arrive = resolve;
      }),
  );
  render(<Panel />);
  expect(screen.getByRole("region", { name: "Disks" }).dataset["panel"]).toBe("Disks");
  arrive(Table);
  await settle();
  expect([screen.queryByRole("region"), screen.queryByRole("table")]).toEqual([
    null,
    expect.anything(),
  ]);
});

it("is loaded once, and shown at once the next time", async () => {
  const load = vi.fn(() => Promise.resolve(Table));
  const Part = loaded(load, "before");
  const { unmount } = render(<Part />);
  await settle();
  unmount();
  render(<Part />);
  expect(screen.getByRole("table")).toBeTruthy();
  expect(load).toHaveBeenCalledOnce();
});

it("leaves an error to the boundary, which shows it and tries again", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined); // React reports the error there
  const load = vi
    .fn(() => Promise.resolve(Table))
    .mockRejectedValueOnce(new TypeError("Failed to fetch"));
  const Part = loaded(load);
  render(
    <Boundary fallback={(reason) => <p>{reason}</p>}>
      <Part />
    </Boundary>,
  );
  await settle();
  expect(screen.getByText("Failed to fetch")).toBeTruthy();
  await settle(10_000);
  expect(screen.getByRole("table")).toBeTruthy();
});

it("is there at once if all parts were loaded before", async () => {
  const load = vi.fn(() => Promise.resolve(Table));
  const Part = loaded(load, "before");
  await loadParts();
  render(<Part />);
  expect(screen.getByRole("table")).toBeTruthy();
  await settle();
  expect(load).toHaveBeenCalledOnce();
});
