/** What the viewer chose on the overview, and its form in the address, so that a link shows the same hosts. Pure. */
import { SORTS, type Sort, type Sorting } from "./order";
import { STATES, type State } from "./states";

export interface Choices extends Sorting {
  readonly filter: string;
  /** Only hosts of this group; null: all hosts. */
  readonly group: string | null;
  /** Only hosts in these states; none: all hosts. */
  readonly states: readonly State[];
  /** Null: a table, and a map of tiles for many hosts. */
  readonly shape: Shape | null;
}

export const SHAPES = ["table", "map"] as const;
export type Shape = (typeof SHAPES)[number];

/** With more hosts, the map is the default. On a wall screen nobody can scroll, and a table has no space for more. */
const MAP_ABOVE = 200;
const KIOSK_MAP_ABOVE = 30;
const MAX_FILTER = 200;
const GROUP = /^(site|tag):.{1,128}$/su;

export const DEFAULT_CHOICES: Choices = {
  sort: "worst",
  reversed: false,
  filter: "",
  group: null,
  states: [],
  shape: null,
};

export function shapeFor({ shape }: Choices, hosts: number, kiosk: boolean): Shape {
  return shape ?? (hosts > (kiosk ? KIOSK_MAP_ABOVE : MAP_ABOVE) ? "map" : "table");
}

/** Unknown values become the defaults. The names differ from those of the page of a host, which are in the same address. */
export function choicesFromQuery(search: string): Choices {
  const query = new URLSearchParams(search);
  const by = query.get("by") ?? "";
  const states = query.get("state")?.split(",") ?? [];
  return {
    sort: SORTS.find((sort) => sort === by.replace(/^-/, "")) ?? DEFAULT_CHOICES.sort,
    reversed: by.startsWith("-"),
    filter: (query.get("find") ?? "").slice(0, MAX_FILTER),
    group: GROUP.exec(query.get("group") ?? "")?.[0] ?? null,
    states: STATES.filter((state) => states.includes(state)),
    shape: SHAPES.find((shape) => shape === query.get("as")) ?? null,
  };
}

/** Write the choices that differ from the default. Other keys of the address are kept. */
export function queryFromChoices(choices: Choices, search: string): string {
  const query = new URLSearchParams(search);
  const put = (key: string, value: string | null): void => {
    if (value === null || value === "") query.delete(key);
    else query.set(key, value);
  };
  const { sort, reversed, filter, group, states, shape } = choices;
  const isDefault = sort === DEFAULT_CHOICES.sort && !reversed;
  put("by", isDefault ? null : `${reversed ? "-" : ""}${sort}`);
  put("find", filter);
  put("group", group);
  put("state", states.join(","));
  put("as", shape);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** A column that is chosen again is reversed. */
export function sortedBy(before: Choices, sort: Sort): Choices {
  return { ...before, sort, reversed: before.sort === sort && !before.reversed };
}

export function withState(before: Choices, state: State): Choices {
  const others = before.states.filter((one) => one !== state);
  const states = others.length < before.states.length ? others : [...others, state];
  return { ...before, states: STATES.filter((one) => states.includes(one)) };
}
