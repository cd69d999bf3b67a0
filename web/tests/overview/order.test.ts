import { describe, expect, it } from "vitest";

import { COLUMNS, type HostAlerts, type Values } from "../../src/overview/frames";
import {
  chosenRows,
  countsOf,
  createOrder,
  keptRows,
  levelOf,
  matches,
  wordsOf,
  type Row,
  type Sorting,
} from "../../src/overview/order";
import type { State } from "../../src/overview/states";

const nothing = Object.fromEntries(COLUMNS.map((column) => [column, null])) as Values;

/** A row for each name, live and without values unless there are others. */
const row = (
  name: string,
  state: State = "live",
  values: Partial<Values> = {},
  alerts: Partial<HostAlerts> | null = null,
): Row => {
  const number = name.charCodeAt(0);
  const host = { number, id: `id-${name}`, name, site: "east", tags: ["db"] };
  return {
    ...{ number, state, host, byName: number, words: wordsOf(host) },
    ...{ ageSeconds: 0, skewSeconds: null, values: { ...nothing, ...values } },
    alerts: alerts && { critical: 0, warn: 0, info: 0, text: "full", ...alerts },
  };
};
const WORST: Sorting = { sort: "worst", reversed: false };
const CPU: Sorting = { sort: "cpu", reversed: false };
const orderIn = (order = createOrder()) => ({
  names: (rows: readonly Row[], sorting: Sorting, nowMs: number) =>
    order(rows, sorting, nowMs)
      .map(({ host }) => host.name)
      .join(""),
});

describe("the worst first", () => {
  it("has hosts that do not answer, then alerts, then the others by name", () => {
    const rows = [
      row("a"),
      row("b", "gone"),
      row("c", "live", {}, { warn: 3 }),
      row("d", "live", {}, { critical: 1, info: 1 }),
      row("e", "late"),
      row("f", "incompatible"),
      row("g", "duplicate"),
      row("h", "unreachable"),
      row("i", "lost"),
      row("j", "unknown"),
      row("k", "live", { cpu: 100, filesystem: 99 }, { info: 2 }),
    ];
    expect(orderIn().names(rows, WORST, 0)).toBe("ihgfejdcbak");
    expect(orderIn().names(rows, { ...WORST, reversed: true }, 0)).toBe("kabcdjefghi");
  });

  it("moves a host up at once, and down after it was better for 30 s", () => {
    const { names } = orderIn();
    const [a, b] = [row("a"), row("b")];
    expect(names([a, b], WORST, 0)).toBe("ab");
    expect(names([a, row("b", "lost")], WORST, 1000)).toBe("ba");
    expect(names([a, b], WORST, 2000)).toBe("ba");
    expect(names([a, b], WORST, 31_000)).toBe("ba");
    expect(names([a, b], WORST, 32_000)).toBe("ab");
  });

  it("begins the 30 s again when the host fails again", () => {
    const { names } = orderIn();
    const [a, b] = [row("a"), row("b")];
    names([a, row("b", "lost")], WORST, 0);
    names([a, b], WORST, 1000);
    names([a, row("b", "lost")], WORST, 20_000);
    names([a, b], WORST, 21_000);
    expect(names([a, b], WORST, 32_000)).toBe("ba");
  });
});

describe("by a number", () => {
  const rows = (a: number | null, b: number | null) => [
    row("a", "live", { cpu: a }),
    row("b", "live", { cpu: b }),
  ];

  it("has the highest first and unknown ones last, and equal ones by name", () => {
    expect(orderIn().names([...rows(null, 5), row("c", "live", { cpu: 9 })], CPU, 0)).toBe("cba");
    expect(orderIn().names(rows(5, 5), CPU, 0)).toBe("ab");
  });

  it("is sorted every 5 s only, but at once when another order is chosen", () => {
    const { names } = orderIn();
    expect(names(rows(2, 1), CPU, 0)).toBe("ab");
    expect(names(rows(1, 2), CPU, 4900)).toBe("ab");
    expect(names(rows(1, 2), CPU, 5000)).toBe("ba");
    expect(names(rows(1, 2), { ...CPU, reversed: true }, 5100)).toBe("ab");
  });
});

it("while it is held, the rows before stay with their newest values, and new ones come last", () => {
  const before = [row("b", "lost"), row("c", "lost")];
  const all = [row("a", "lost"), row("b"), row("c", "late"), row("d")];
  const kept = keptRows(before, all, [all[0] as Row]);
  expect(kept.map(({ host, state }) => `${host.name} ${state}`)).toEqual([
    "b live",
    "c late",
    "a lost",
  ]);
  expect(keptRows(before, [row("c")], []).map(({ host }) => host.name)).toEqual(["c"]);
});

describe("the filter", () => {
  it("finds each word in name, id, site or tag, in any case", () => {
    const one = row("a");
    for (const filter of ["A", "id-a", "EAST", "db", " a  east "])
      expect(matches(one, filter)).toBe(true);
    expect(matches(one, "a west")).toBe(false);
  });

  it("leaves the chosen states and the matching hosts", () => {
    const rows = [row("a"), row("b", "lost"), row("c", "late")];
    const names = (filter: string, states: State[]) =>
      chosenRows(rows, { filter, states }).map(({ host }) => host.name);
    expect(names("", [])).toEqual(["a", "b", "c"]);
    expect(names("", ["lost", "late"])).toEqual(["b", "c"]);
    expect(names("c", ["lost", "late"])).toEqual(["c"]);
  });
});

it("counts hosts by state, the worst first, without empty states", () => {
  const counts = countsOf([row("a"), row("b", "lost"), row("c"), row("d", "late")]);
  expect([...counts]).toEqual([
    ["lost", 1],
    ["late", 1],
    ["live", 2],
  ]);
});

it("has the highest level of the alerts of a live host", () => {
  expect(levelOf(row("a"))).toBeUndefined();
  expect(levelOf(row("a", "live", {}, {}))).toBeUndefined();
  expect(levelOf(row("a", "live", {}, { info: 1 }))).toBe("info");
  expect(levelOf(row("a", "live", {}, { info: 1, critical: 1 }))).toBe("critical");
  expect(levelOf(row("a", "lost", {}, { critical: 1 }))).toBeUndefined();
});
