import { expect, it } from "vitest";

import { parseShown } from "../../src/protocol/shown";

it.each([
  ["usual text in any script", "größe 日本語 עברית 🚀", "größe 日本語 עברית 🚀"],
  ["quotes and backslashes", 'C:\\new "x" \\u202e /', 'C:\\new "x" \\u202e /'],
  [
    "control characters",
    "a\nb\t\u0000\u001b[2J\u007f\u009b",
    String.raw`a\u000ab\u0009\u0000\u001b[2J\u007f\u009b`,
  ],
  [
    "bidirectional characters",
    "\u202eexe.\u2066x\u2069\u200f",
    String.raw`\u202eexe.\u2066x\u2069\u200f`,
  ],
  [
    "zero-width characters",
    "ro\u200bot\u2060\ufeff\u3164",
    String.raw`ro\u200bot\u2060\ufeff\u3164`,
  ],
  ["line separators", "a\u2028b", String.raw`a\u2028b`],
  ["characters beyond the first plane", "a\u{e0041}", String.raw`a\u{e0041}`],
])("shows %s", (_, text, shown) => {
  const value = { [text]: [text, { text }] };
  const escaped = { [shown]: [shown, { text: shown }] };
  expect(parseShown(JSON.stringify(value))).toEqual(escaped);
  // The same JSON with an escape for each character.
  const ascii = JSON.stringify(value).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  expect(parseShown(ascii)).toEqual(escaped);
});

it("keeps numbers, null and the structure", () => {
  const text = '{"a":[1.5,-2e3,null,true,""],"b":{}}';
  expect(parseShown(text)).toEqual(JSON.parse(text));
});

it("throws for a text that is not JSON", () => {
  expect(() => parseShown('{"a":\u202e}')).toThrow(SyntaxError);
  expect(() => parseShown("{")).toThrow(SyntaxError);
});
