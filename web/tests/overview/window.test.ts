import { describe, expect, it } from "vitest";

import { partsOf, placeAfter, rangeOf } from "../../src/overview/window";

describe("the range", () => {
  it("contains what is on screen and a margin, and does not grow with the number of rows", () => {
    const { from, to } = rangeOf({ top: 500.5, height: 40 }, 1000);
    expect(from).toBeLessThanOrEqual(500);
    expect(to).toBeGreaterThanOrEqual(541);
    expect(to - from).toBeLessThan(70);
    expect(rangeOf({ top: 500.5, height: 40 }, 100_000)).toEqual({ from, to });
  });

  it.each([
    [{ top: -30, height: 40 }, 1000],
    [{ top: 990, height: 40 }, 1000],
    [{ top: 5000, height: 40 }, 1000],
    [{ top: 0, height: 40 }, 3],
    [{ top: 0, height: 40 }, 0],
  ])("of %j in %s rows is within them", (extent, rows) => {
    const { from, to } = rangeOf(extent, rows);
    expect(from).toBeGreaterThanOrEqual(0);
    expect(to).toBeGreaterThanOrEqual(from);
    expect(to).toBeLessThanOrEqual(rows);
  });

  it("stays the same while the page scrolls by less than a few rows", () => {
    expect(rangeOf({ top: 100.1, height: 40 }, 1000)).toEqual(
      rangeOf({ top: 100.9, height: 40 }, 1000),
    );
  });
});

describe("the parts", () => {
  const text = (...args: Parameters<typeof partsOf>) =>
    partsOf(...args)
      .map((part) => (part.kind === "row" ? `${part.at}` : `(${part.rows})`))
      .join(" ");

  it("are the rows of the range, with empty rows before and after", () => {
    expect(text({ from: 3, to: 6 }, 10, null)).toBe("(3) 3 4 5 (4)");
    expect(text({ from: 0, to: 3 }, 3, null)).toBe("0 1 2");
    expect(text({ from: 0, to: 0 }, 0, null)).toBe("");
  });

  it("contain the row with the focus, wherever it is", () => {
    expect(text({ from: 3, to: 5 }, 10, 1)).toBe("(1) 1 (1) 3 4 (5)");
    expect(text({ from: 3, to: 5 }, 10, 8)).toBe("(3) 3 4 (3) 8 (1)");
    expect(text({ from: 3, to: 5 }, 10, 4)).toBe("(3) 3 4 (5)");
    expect(text({ from: 0, to: 5 }, 5, 8)).toBe("0 1 2 3 4");
  });

  it("are as high as all rows together", () => {
    for (const kept of [null, 0, 50, 99]) {
      const parts = partsOf({ from: 20, to: 30 }, 100, kept);
      expect(parts.reduce((sum, part) => sum + (part.kind === "row" ? 1 : part.rows), 0)).toBe(100);
    }
  });
});

describe("a key", () => {
  const table = { count: 10, perLine: 1, page: 4 };
  const map = { count: 10, perLine: 4, page: 2 };

  it.each([
    ["ArrowDown", table, 3, 4],
    ["ArrowUp", table, 0, 0],
    ["PageDown", table, 3, 7],
    ["PageUp", table, 3, 0],
    ["Home", table, 5, 0],
    ["End", table, 5, 9],
    ["ArrowRight", table, 3, null],
    ["ArrowRight", map, 3, 4],
    ["ArrowLeft", map, 3, 2],
    ["ArrowDown", map, 3, 7],
    ["ArrowDown", map, 8, 9],
    ["x", map, 3, null],
  ] as const)("%s in %j moves from %s to %s", (key, layout, from, to) => {
    expect(placeAfter(key, from, layout)).toBe(to);
  });

  it("moves nowhere without hosts", () => {
    expect(placeAfter("End", 0, { ...table, count: 0 })).toBeNull();
  });
});
