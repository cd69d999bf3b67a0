/**
 * Conditions for the tiles and panels of sections. Before the first sample `has` is true, so that nothing moves when it
 * arrives. It is also true while a source fails: the tile and the panel keep their places and show the reason.
 */
import type { Sample } from "../protocol/frames";
import type { SectionName } from "../protocol/sections";

type Condition = (sample: Sample | null) => boolean;

/** Return the condition that at least one of these sections is in the sample, or that its source failed. */
export function has(...names: readonly SectionName[]): Condition {
  return (sample) =>
    sample === null ||
    names.some((name) => sample.sections[name] !== undefined || hasFailed(sample, name));
}

export function hasFailed(sample: Sample | null, name: string): boolean {
  return sample?.sources[name]?.state === "failed";
}
