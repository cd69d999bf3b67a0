/**
 * JSON.parse for texts that the page shows. A process, a mount or a client of the server can choose its name:
 * bidirectional characters would show it in another order, and invisible ones make two names look equal. Here they
 * become escapes, such as \u202e, in every text and every key. The escapes are made in the JSON text, before it is
 * parsed, because messages are long and such characters are rare.
 */
const HIDDEN = String.raw`\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}`;
const IS_HIDDEN = new RegExp(`[${HIDDEN}]`, "u");
/** Without the white space between values, which is not in a text: there it would be escaped (RFC 8259, 7). */
const RAW = String.raw`(?![\t\n\r])[${HIDDEN}]`;
/** Anything but printable ASCII without a backslash. Most messages have none, and this test is fast. */
const SUSPECT = /[^\t\n\r -[\]-~]/;
const ESCAPE_OR_HIDDEN = new RegExp(
  String.raw`\\(?:u(?<hex>d[89ab]..\\ud[c-f]..|[\da-f]{4})|(?<name>[^u]))|(?<raw>${RAW})`,
  "giu",
);
/** The escapes with a letter (RFC 8259, 7). All of them are control characters. */
const NAMED: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

export function parseShown(json: string): unknown {
  return JSON.parse(SUSPECT.test(json) ? json.replace(ESCAPE_OR_HIDDEN, replacement) : json);
}

function replacement(found: string, hex?: string, name?: string, raw?: string): string {
  // Two units for a character beyond U+FFFF.
  const units = hex?.split(/\\u/i).map((digits) => parseInt(digits, 16));
  const character = raw ?? (units ? String.fromCharCode(...units) : NAMED[name ?? ""]);
  if (character === undefined || !IS_HIDDEN.test(character)) return found;
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return String.raw`\\u` + (code > 0xffff ? `{${digits}}` : digits.padStart(4, "0"));
}
