import { beforeEach, expect, it } from "vitest";

import { createActions, type Actions } from "../../src/store/actions";
import { createStore } from "../../src/store/create-store";
import type { Pause } from "../../src/store/timeline";
import { DEFAULT_VIEW } from "../../src/store/view";

const NOW = 1_764_000_030;

const view = createStore(DEFAULT_VIEW);
const pause = createStore<Pause | null>(null);
const cursor = createStore<number | null>(null);
let actions: Actions;

beforeEach(() => {
  view.set(DEFAULT_VIEW);
  pause.set(null);
  cursor.set(null);
  actions = createActions({ view, pause, cursor, now: () => NOW });
});

it("pauses, and returns to live without the cursor", () => {
  actions.togglePause();
  cursor.set(NOW);
  expect(pause.get()?.edge).toBe(NOW);
  actions.togglePause();
  expect([pause.get(), cursor.get()]).toEqual([null, null]);
});

it("scrubs from now within the window, and pauses", () => {
  actions.scrub(-1);
  expect([cursor.get(), pause.get() === null]).toEqual([NOW - 1, false]);
  actions.scrub(-10_000);
  expect(cursor.get()).toBe(NOW - 300);
  actions.scrub(10_000);
  expect(cursor.get()).toBe(NOW);
});

it("zooms and pauses, but not into a span of seconds; another window ends the zoom", () => {
  actions.zoom(NOW - 2, NOW);
  expect(pause.get()).toBeNull();
  actions.zoom(NOW - 20, NOW - 10);
  expect(pause.get()?.zoom).toEqual({ from: NOW - 20, to: NOW - 10 });
  actions.setWindow(60);
  expect(pause.get()?.zoom).toBeNull();
});

it("focuses, and goes through the views of the chart that is in focus", () => {
  actions.setFocus("disk", ["total", "busy"]);
  expect([view.get().focus, view.get().facets]).toEqual(["disk", {}]);
  actions.setFocus("disk", ["total", "busy"]);
  expect(view.get().facets).toEqual({ disk: "busy" });
  actions.setFocus("disk", ["total", "busy"]);
  expect(view.get().facets).toEqual({});
});

it("sorts by a column, and reverses it when it is chosen again", () => {
  actions.sortBy("memory", "cpu");
  expect([view.get().sort, view.get().reversed]).toEqual(["memory", false]);
  actions.sortBy("memory", "memory");
  expect(view.get().reversed).toBe(true);
});

it("sorts by the vital again when one is chosen after a column", () => {
  actions.sortBy("pid", "cpu");
  actions.setFocus("memory", ["use"]);
  expect(view.get()).toMatchObject({ focus: "memory", sort: null, reversed: false });
  actions.sortBy("pid", "memory");
  actions.setFocus("memory", ["use"]);
  expect(view.get().sort).toBeNull();
});
