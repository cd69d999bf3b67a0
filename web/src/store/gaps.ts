/** The spans without samples: each from the last sample before it to the first one after it. */
import type { Slice } from "./ring";

export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Return the gaps. `edge` is the right end of the window: after more than 1.5 ticks without a sample, a gap is open. */
export function gapsOf(slice: Pick<Slice, "x" | "known">, edge: number, tick: number): Gap[] {
  const gaps: Gap[] = [];
  let newest: number | null = null;
  let open: number | null = null;
  for (const [index, x] of slice.x.entries()) {
    if (slice.known[index] === true) {
      if (open !== null) gaps.push({ from: open, to: x });
      open = null;
      newest = x;
    } else {
      open ??= newest ?? x;
    }
  }
  const from = open ?? newest;
  if (from !== null && (open !== null || edge - from > 1.5 * tick)) gaps.push({ from, to: edge });
  return gaps;
}
