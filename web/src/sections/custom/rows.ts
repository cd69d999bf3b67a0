/** A custom section as rows of text. The unit is the one that the name of a value ends in. */
import { spacedName, splitUnit, type Unit } from "../../format/names";
import { byteRateText, bytesText, count, fixed, percentText, UNKNOWN } from "../../format/numbers";
import { duration } from "../../format/time";
import type { Json } from "../../protocol/frames";
import { rowKey } from "../../store/flatten";

export interface Row {
  /** The name of its column after that of the section. Empty for a section that is one value. */
  readonly path: string;
  readonly name: string;
  readonly text: string;
  readonly isNumber: boolean;
}

/** The deepest level that has rows: an object in a list in the section. */
const MAX_DEPTH = 2;
/** A text beyond this length is cut: it would not be read in a table. */
const MAX_TEXT = 300;

/** Return the numbers and texts of a section of any form. Deeper levels are only counted. */
export function rowsOf(section: Json): Row[] {
  if (typeof section !== "object" || section === null) {
    return [{ path: "", name: "value", ...textOf(section, "count") }];
  }
  return rowsIn(section, "", "", 0);
}

function rowsIn(
  value: Json[] | { [key: string]: Json },
  path: string,
  name: string,
  depth: number,
) {
  const entries = Array.isArray(value) ? value.map(keyOfItem) : Object.entries(value);
  return entries.flatMap(([key, item]): Row[] => {
    const { name: label, unit } = splitUnit(key);
    const own = { path: joined(path, key, "."), name: joined(name, label, " ") };
    if (typeof item !== "object" || item === null) return [{ ...own, ...textOf(item, unit) }];
    if (depth < MAX_DEPTH)
      return rowsIn(item, own.path, joined(name, spacedName(key), " "), depth + 1);
    const size = Array.isArray(item) ? item.length : Object.keys(item).length;
    return [{ ...own, text: `${count(size)} values`, isNumber: false }];
  });
}

/** Return the item of a list with the key that its columns have; items without one are numbered. */
function keyOfItem(item: Json, index: number): [key: string, item: Json] {
  const isObject = typeof item === "object" && item !== null && !Array.isArray(item);
  return [(isObject ? rowKey(item) : null) ?? String(index + 1), item];
}

function joined(before: string, name: string, by: string): string {
  return before === "" ? name : `${before}${by}${name}`;
}

function textOf(
  value: string | number | boolean | null,
  unit: Unit,
): Pick<Row, "text" | "isNumber"> {
  if (typeof value === "number") return { text: numberText(value, unit), isNumber: true };
  if (value === null) return { text: UNKNOWN, isNumber: false };
  const text = String(value);
  return {
    text: text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text,
    isNumber: false,
  };
}

function numberText(value: number, unit: Unit): string {
  switch (unit) {
    case "bytes":
      return bytesText(value);
    case "byteRate":
      return byteRateText(value);
    case "percent":
      return percentText(value);
    case "duration":
      return duration(value);
    case "celsius":
      return `${fixed(value, 0)} °C`;
    case "ms":
      return `${fixed(value, 1)} ms`;
    case "perSecond":
      return `${fixed(value, 1)} /s`;
    case "count":
      return Number.isInteger(value) ? count(value) : fixed(value, 2);
  }
}
