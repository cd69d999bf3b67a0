/** Where the ring does not know: the spans from the last sample before a hole to the first after. */
import type { Slice } from "./ring";

export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** `edge` is the right end of what is looked at: silence up to it is a gap that is still open. */
export function gapsOf(slice: Pick<Slice, "x" | "known">, edge: number, tick: number): Gap[] {
  const gaps: Gap[] = [];
  let last: number | null = null;
  let open: number | null = null;
  for (const [index, x] of slice.x.entries()) {
    if (slice.known[index] === true) {
      if (open !== null) gaps.push({ from: open, to: x });
      open = null;
      last = x;
    } else {
      open ??= last ?? x;
    }
  }
  const from = open ?? last;
  if (from !== null && (open !== null || edge - from > 1.5 * tick)) gaps.push({ from, to: edge });
  return gaps;
}
