import { readFileSync } from "node:fs";

import { expect, it, vi } from "vitest";

import { createStore } from "../../src/store/create-store";

it("notifies listeners of another value, but not of the same one", () => {
  const store = createStore(1);
  const listener = vi.fn();
  const unsubscribe = store.subscribe(listener);
  store.set(1);
  store.update((value) => value + 1);
  unsubscribe();
  store.set(5);
  expect(listener).toHaveBeenCalledOnce();
  expect(store.get()).toBe(5);
});

it("does not depend on React, and stays small", () => {
  const source = readFileSync(new URL("../../src/store/create-store.ts", import.meta.url), "utf8");
  expect(source).not.toMatch(/^import/m);
  expect(source.split("\n").length).toBeLessThan(45);
});
