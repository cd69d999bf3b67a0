/** Which custom sections a sample has: those that are in it, and those whose source failed. */
import { hasFailed } from "../../parts/presence";
import type { Sample } from "../../protocol/frames";
import { SECTIONS } from "../../protocol/sections";

export function namesOf(sample: Sample): string[] {
  const failed = Object.keys(sample.sources).filter(
    (name) => !Object.hasOwn(SECTIONS, name) && hasFailed(sample, name),
  );
  return [...new Set([...Object.keys(sample.custom), ...failed])].sort();
}
