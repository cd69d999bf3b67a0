// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { createChanges } from "../../src/store/changes";

let visible: DocumentVisibilityState = "visible";

beforeEach(() => {
  vi.useFakeTimers();
  visible = "visible";
  vi.spyOn(document, "visibilityState", "get").mockImplementation(() => visible);
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("makes the changes of one tick together, in their order", () => {
  const changes = createChanges();
  const made: string[] = [];
  changes.add(() => made.push("sample"));
  vi.advanceTimersByTime(10);
  changes.add(() => made.push("processes"));
  expect(made).toEqual([]);
  vi.advanceTimersByTime(15); // the first change does not wait for the second one's turn
  expect(made).toEqual(["sample", "processes"]);
});

it("makes changes at once while the tab is hidden, after those that wait", () => {
  const changes = createChanges();
  const made: string[] = [];
  changes.add(() => made.push("shown"));
  visible = "hidden";
  changes.add(() => made.push("hidden"));
  expect(made).toEqual(["shown", "hidden"]);
});

it("leaves out what waits when it is cleared, and goes on", () => {
  const changes = createChanges();
  const made: string[] = [];
  changes.add(() => made.push("lost"));
  changes.clear();
  changes.add(() => made.push("kept"));
  vi.advanceTimersByTime(25);
  expect(made).toEqual(["kept"]);
});
