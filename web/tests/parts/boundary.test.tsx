// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Boundary } from "../../src/parts/boundary";

let value: number | null;

function Part() {
  if (value === null) throw new Error("no value");
  return <p>value {value}</p>;
}

const draw = () =>
  render(
    <Boundary fallback={(reason) => <p>failed: {reason}</p>}>
      <Part />
    </Boundary>,
  );

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => undefined); // React reports each error there
});

afterEach(() => {
  cleanup();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it("shows the reason in place of a part that fails, and the part when it works again", () => {
  value = null;
  draw();
  expect(screen.getByText("failed: no value")).toBeTruthy();
  act(() => {
    vi.advanceTimersByTime(10_000);
  });
  expect(screen.getByText("failed: no value")).toBeTruthy();
  value = 3;
  act(() => {
    vi.advanceTimersByTime(10_000);
  });
  expect(screen.getByText("value 3")).toBeTruthy();
});
