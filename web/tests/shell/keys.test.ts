// @vitest-environment jsdom
import { expect, it } from "vitest";

import { KEYS, keyFor } from "../../src/shell/keys";

it("finds every key of the table, and no two entries for the same key", () => {
  for (const key of KEYS) {
    for (const name of key.keys) {
      expect(keyFor(new KeyboardEvent("keydown", { key: name }), true)).toBe(key);
    }
  }
});

it("finds no key while the viewer types, nor with a modifier of the browser", () => {
  const typed = new KeyboardEvent("keydown", { key: "p", bubbles: true });
  const input = document.createElement("input");
  document.body.append(input);
  input.dispatchEvent(typed);
  expect(keyFor(typed, true)).toBeNull();
  expect(keyFor(new KeyboardEvent("keydown", { key: "p", ctrlKey: true }), true)).toBeNull();
});

it("finds no key of one character when they are turned off", () => {
  const found = (key: string) => keyFor(new KeyboardEvent("keydown", { key }), false);
  expect(["p", "1", "?", "/"].map(found)).toEqual([null, null, null, null]);
  expect(found("Escape")).not.toBeNull();
  expect(found("ArrowLeft")).not.toBeNull();
});
