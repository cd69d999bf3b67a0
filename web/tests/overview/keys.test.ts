// @vitest-environment jsdom
import { expect, it } from "vitest";

import { KEYS } from "../../src/overview/keys";
import { KEYS as PAGE_KEYS } from "../../src/shell/keys";

const pressed = ({ keys, withControl }: (typeof KEYS)[number]) =>
  keys.map((name) => `${withControl === true ? "Ctrl " : ""}${name}`);

it("has no two entries for the same key", () => {
  const all = KEYS.flatMap(pressed);
  expect(new Set(all).size).toBe(all.length);
});

it("has the same keys as the page of a host for what both can do", () => {
  for (const name of ["/", "t", "k", "?", "Ctrl K", "c", "m", "d", "n", "h"]) {
    expect(KEYS.some(({ shown }) => shown === name)).toBe(true);
    expect(PAGE_KEYS.some(({ shown }) => shown === name)).toBe(true);
  }
});
