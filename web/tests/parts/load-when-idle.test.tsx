// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { loadWhenIdle } from "../../src/parts/load-when-idle";
import { loaded } from "../../src/parts/loaded";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const Table = () => <table />;

it.each([true, false])("loads a part in idle time (idle callbacks: %s)", async (hasCallbacks) => {
  vi.useFakeTimers();
  if (hasCallbacks) vi.stubGlobal("requestIdleCallback", (run: () => void) => setTimeout(run));
  const load = vi.fn(() => Promise.resolve(Table));
  const then = vi.fn(() => Promise.resolve());
  loadWhenIdle(load, then);
  expect(load).not.toHaveBeenCalled();
  await vi.runAllTimersAsync();
  expect(then).toHaveBeenCalledOnce();
  const Part = loaded(load);
  render(<Part />);
  expect(screen.getByRole("table")).toBeTruthy();
  expect(load).toHaveBeenCalledOnce();
});

it("ignores a failure, and loads the part when it is shown", async () => {
  vi.useFakeTimers();
  const load = vi
    .fn(() => Promise.resolve(Table))
    .mockRejectedValueOnce(new TypeError("Failed to fetch"));
  const then = vi.fn(() => Promise.resolve());
  loadWhenIdle(load, then);
  await vi.runAllTimersAsync();
  expect(then).not.toHaveBeenCalled();
  const Part = loaded(load);
  render(<Part />);
  vi.useRealTimers();
  expect(await screen.findByRole("table")).toBeTruthy();
});
