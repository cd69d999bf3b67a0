/** The window on screen as text for a file: every column of the ring, one row per slot. */
import type { Slice } from "../../store/ring";

/** CSV after RFC 4180. Unknown values are empty. */
export function toCsv(slice: Slice, names: readonly string[]): string {
  const sorted = [...names].sort();
  const columns = sorted.map((name) => slice.column(name));
  const lines = [["time", "time_unix", ...sorted].map(quoted).join(",")];
  slice.x.forEach((x, row) => {
    const cells = columns.map((column) => column[row]?.toString() ?? "");
    lines.push([new Date(x * 1000).toISOString(), x.toFixed(3), ...cells].join(","));
  });
  return `${lines.join("\r\n")}\r\n`;
}

export function toJson(slice: Slice, names: readonly string[], host: string): string {
  const columns: Record<string, (number | null)[]> = {};
  for (const name of [...names].sort()) columns[name] = slice.column(name);
  return JSON.stringify({ host, time_unix: slice.x, known: slice.known, columns });
}

/** A spreadsheet would run a name that begins like a formula, so such a name gets an apostrophe. */
function quoted(name: string): string {
  const safe = /^[=+\-@]/.test(name) ? `'${name}` : name;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
