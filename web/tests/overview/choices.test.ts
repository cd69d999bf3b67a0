import { expect, it } from "vitest";

import {
  choicesFromQuery,
  DEFAULT_CHOICES,
  queryFromChoices,
  shapeFor,
  sortedBy,
  withState,
  type Choices,
} from "../../src/overview/choices";

it("the address has the choices that differ from the default, and keeps what is not its own", () => {
  const choices: Choices = {
    sort: "cpu",
    reversed: true,
    filter: "db east",
    group: "tag:db",
    states: ["lost", "late"],
    shape: "map",
  };
  const query = queryFromChoices(choices, "?theme=dark&filter=postgres");
  expect(query).toBe(
    "?theme=dark&filter=postgres&by=-cpu&find=db+east&group=tag%3Adb&state=lost%2Clate&as=map",
  );
  expect(choicesFromQuery(query)).toEqual(choices);
  expect(queryFromChoices(DEFAULT_CHOICES, query)).toBe("?theme=dark&filter=postgres");
  expect(choicesFromQuery("")).toEqual(DEFAULT_CHOICES);
});

it("unknown values in the address become the defaults, and long ones are cut", () => {
  expect(choicesFromQuery("?by=moon&state=live,dreaming&as=globe&group=planet:mars")).toEqual({
    ...DEFAULT_CHOICES,
    states: ["live"],
  });
  expect(choicesFromQuery(`?find=${"x".repeat(5000)}`).filter).toHaveLength(200);
});

it("a column chosen again is reversed, and another one is not", () => {
  const once = sortedBy(DEFAULT_CHOICES, "cpu");
  expect(once).toMatchObject({ sort: "cpu", reversed: false });
  expect(sortedBy(once, "cpu")).toMatchObject({ sort: "cpu", reversed: true });
  expect(sortedBy(sortedBy(once, "cpu"), "memory")).toMatchObject({
    sort: "memory",
    reversed: false,
  });
});

it("states are added and removed one by one, in a fixed order", () => {
  const both = withState(withState(DEFAULT_CHOICES, "live"), "lost");
  expect(both.states).toEqual(["lost", "live"]);
  expect(withState(both, "lost").states).toEqual(["live"]);
});

it("more than 200 hosts are a map, on a wall screen more than 30, unless the viewer chose", () => {
  const shapes = (kiosk: boolean, counts: number[]) =>
    counts.map((hosts) => shapeFor(DEFAULT_CHOICES, hosts, kiosk));
  expect(shapes(false, [200, 201])).toEqual(["table", "map"]);
  expect(shapes(true, [30, 31])).toEqual(["table", "map"]);
  expect(shapeFor({ ...DEFAULT_CHOICES, shape: "table" }, 5000, true)).toBe("table");
});
