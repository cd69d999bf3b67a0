/**
 * Which rows are in the document: those on screen and a few around them, so that the cost does not depend on the number
 * of hosts. Pure; lengths are in rows. The rest of the table is empty rows of the right height.
 */
export interface Extent {
  /** Where the part on screen begins, and how long it is. */
  readonly top: number;
  readonly height: number;
}

export interface Range {
  readonly from: number;
  /** Not included. */
  readonly to: number;
}

/** Rows above and below the screen: enough for a turn of the wheel until the next frame. */
const MARGIN = 5;
/** The range moves in steps, so that most frames of scrolling change nothing. */
const STEP = 4;

export function rangeOf({ top, height }: Extent, rows: number): Range {
  const first = Math.floor((top - MARGIN) / STEP) * STEP;
  const last = Math.ceil((top + height + MARGIN) / STEP) * STEP;
  const from = Math.max(0, Math.min(first, rows));
  return { from, to: Math.max(from, Math.min(last, rows)) };
}

/** A part of the table: a row, or empty rows in place of those that are not in the document. */
export type Part =
  | { readonly kind: "row"; readonly at: number }
  | { readonly kind: "space"; readonly rows: number; readonly before: number };

/**
 * Return the rows of the range, and `kept`, which has the focus: an element that is removed loses it. Null: none has it.
 */
export function partsOf({ from, to }: Range, rows: number, kept: number | null): Part[] {
  const shown = Array.from({ length: to - from }, (_, index) => from + index);
  if (kept !== null && kept < from) shown.unshift(kept);
  if (kept !== null && kept >= to && kept < rows) shown.push(kept);
  const parts: Part[] = [];
  let next = 0;
  for (const at of shown) {
    if (at > next) parts.push({ kind: "space", rows: at - next, before: at });
    parts.push({ kind: "row", at });
    next = at + 1;
  }
  if (next < rows) parts.push({ kind: "space", rows: rows - next, before: rows });
  return parts;
}

/** Where a key moves to, from one of `count` places that stand in lines of `perLine`. Null: it is no such key. */
export function placeAfter(
  key: string,
  at: number,
  { count, perLine, page }: { count: number; perLine: number; page: number },
): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: perLine,
    ArrowUp: -perLine,
    PageDown: perLine * page,
    PageUp: -perLine * page,
    Home: -count,
    End: count,
    ...(perLine > 1 && { ArrowRight: 1, ArrowLeft: -1 }),
  };
  const step = steps[key];
  if (step === undefined || count === 0) return null;
  return Math.max(0, Math.min(count - 1, at + step));
}
