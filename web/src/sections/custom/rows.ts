/** A custom section as rows of text. The unit is the one that the name of a value ends in. */
import { spacedName, splitUnit, type Unit } from "../../format/names";
import { byteRateText, bytesText, count, fixed, percentText, UNKNOWN } from "../../format/numbers";
import { duration } from "../../format/time";
import type { Json } from "../../protocol/frames";

export interface Row {
  readonly path: string;
  readonly name: string;
  readonly text: string;
  readonly isNumber: boolean;
}

/** Return the numbers and texts of an object and of the objects in it, but no deeper. Lists are left out. */
export function rowsOf(section: Json, prefix = ""): Row[] {
  if (typeof section !== "object" || section === null || Array.isArray(section)) return [];
  return Object.entries(section).flatMap(([key, value]) => {
    const { name, unit } = splitUnit(key);
    const row = {
      path: `${prefix}${key}`,
      name: prefix === "" ? name : `${spacedName(prefix.slice(0, -1))} ${name}`,
    };
    if (typeof value === "number") return [{ ...row, text: textOf(value, unit), isNumber: true }];
    if (typeof value === "string" || typeof value === "boolean")
      return [{ ...row, text: String(value), isNumber: false }];
    if (value === null) return [{ ...row, text: UNKNOWN, isNumber: false }];
    return prefix === "" ? rowsOf(value, `${key}.`) : [];
  });
}

function textOf(value: number, unit: Unit): string {
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
