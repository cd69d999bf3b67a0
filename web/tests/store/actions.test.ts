import { beforeEach, describe, expect, it } from "vitest";

import { createActions, type Actions } from "../../src/store/actions";
import { createStore } from "../../src/store/create-store";
import type { Freeze } from "../../src/store/display";
import { createTelemetry } from "../../src/store/telemetry";
import { DEFAULT_VIEW } from "../../src/store/view";
import { hello, sampleAt } from "../support/frames";

const view = createStore(DEFAULT_VIEW);
const freeze = createStore<Freeze | null>(null);
const cursor = createStore<number | null>(null);
let actions: Actions;

beforeEach(() => {
  const telemetry = createTelemetry({ monotonicMs: () => 0, unixSeconds: () => 0 });
  telemetry.frame({ type: "hello", hello: hello() });
  for (let seq = 1; seq <= 30; seq += 1) telemetry.frame({ type: "sample", sample: sampleAt(seq) });
  view.set(DEFAULT_VIEW);
  freeze.set(null);
  cursor.set(null);
  actions = createActions({ telemetry, view, freeze, cursor, now: () => 0 });
});

const NOW = 1_764_000_030;

describe("actions", () => {
  it("pause, and go back to live with the cursor gone", () => {
    actions.togglePause();
    cursor.set(NOW);
    expect(freeze.get()?.edge).toBe(NOW);
    actions.togglePause();
    expect([freeze.get(), cursor.get()]).toEqual([null, null]);
  });

  it("scrub from now, pausing first, and not past the window", () => {
    actions.scrub(-1);
    expect([cursor.get(), freeze.get() === null]).toEqual([NOW - 1, false]);
    actions.scrub(-10_000);
    expect(cursor.get()).toBe(NOW - 300);
    actions.scrub(10_000);
    expect(cursor.get()).toBe(NOW);
  });

  it("zoom by pausing, and not into nothing", () => {
    actions.zoom(NOW - 2, NOW);
    expect(freeze.get()).toBeNull();
    actions.zoom(NOW - 20, NOW - 10);
    expect(freeze.get()?.zoom).toEqual({ from: NOW - 20, to: NOW - 10 });
    actions.setWindow(60);
    expect(freeze.get()?.zoom).toBeNull();
  });

  it("focus, and go through a chart's pictures when it has the focus", () => {
    actions.setFocus("disk", ["total", "busy"]);
    expect([view.get().focus, view.get().facets]).toEqual(["disk", {}]);
    actions.setFocus("disk", ["total", "busy"]);
    expect(view.get().facets).toEqual({ disk: "busy" });
    actions.setFocus("disk", ["total", "busy"]);
    expect(view.get().facets).toEqual({});
  });

  it("sort by a column, and reverse it when it is chosen again", () => {
    actions.sortBy("memory", "cpu");
    expect([view.get().sort, view.get().reversed]).toEqual(["memory", false]);
    actions.sortBy("memory", "memory");
    expect(view.get().reversed).toBe(true);
  });
});
