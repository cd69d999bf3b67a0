// @vitest-environment jsdom
import { expect, it } from "vitest";

import { createStore } from "../../src/store/create-store";
import type { Fleet } from "../../src/store/page";
import type { Pause } from "../../src/store/timeline";
import { KEYS, keyFor, keysOf } from "../../src/shell/keys";

it("finds every key of the table, and no two entries for the same key", () => {
  for (const key of KEYS) {
    for (const name of key.keys) {
      const pressed = { key: name, ctrlKey: key.withControl === true };
      expect(keyFor(new KeyboardEvent("keydown", pressed), true, KEYS)).toBe(key);
    }
  }
});

it("has no key twice on a front end, except for Escape, which leaves the host of a live page", () => {
  const fleet: Fleet = {
    list: () => [],
    open: () => undefined,
    close: () => undefined,
    step: () => undefined,
  };
  const all = keysOf({ fleet, pause: createStore<Pause | null>(null) });
  const names = all
    .flatMap(({ keys, withControl }) => keys.map((name) => (withControl ? `Ctrl ${name}` : name)))
    .filter((name) => name !== "Escape");
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  const shown = all.map((key) => key.shown);
  expect(shown.filter((text, at) => shown.indexOf(text) !== at)).toEqual([]);
});

it("finds no key while the viewer types, nor with a modifier of the browser", () => {
  const typed = new KeyboardEvent("keydown", { key: "p", bubbles: true });
  const input = document.createElement("input");
  document.body.append(input);
  input.dispatchEvent(typed);
  expect(keyFor(typed, true, KEYS)).toBeNull();
  expect(keyFor(new KeyboardEvent("keydown", { key: "p", ctrlKey: true }), true, KEYS)).toBeNull();
});

it("finds no key of one character when they are turned off", () => {
  const found = (key: string) => keyFor(new KeyboardEvent("keydown", { key }), false, KEYS);
  expect(["p", "1", "?", "/"].map(found)).toEqual([null, null, null, null]);
  expect(found("Escape")).not.toBeNull();
  expect(found("ArrowLeft")).not.toBeNull();
});

it("finds the command palette while the viewer types, with Cmd and with Caps Lock, and without character keys", () => {
  const palette = KEYS.find(({ dialog }) => dialog === "commands");
  const input = document.createElement("input");
  document.body.append(input);
  for (const pressed of [
    { key: "k", ctrlKey: true },
    { key: "k", metaKey: true },
    { key: "K", ctrlKey: true },
  ]) {
    const event = new KeyboardEvent("keydown", { ...pressed, bubbles: true });
    input.dispatchEvent(event);
    expect(keyFor(event, false, KEYS)).toBe(palette);
  }
  const forBrowser = { key: "K", ctrlKey: true, shiftKey: true };
  expect(keyFor(new KeyboardEvent("keydown", forBrowser), true, KEYS)).toBeNull();
  input.remove();
});
