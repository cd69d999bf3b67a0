/**
 * Conditions for the tiles and panels of sections. Before the first sample, `hasAny` and `hasOrFailed` are true, so that
 * nothing moves when it arrives.
 */
import type { Sample } from "../protocol/frames";
import type { SectionName } from "../sections/generated";

type Condition = (sample: Sample | null) => boolean;

/** Return the condition that at least one of these sections is in the sample. */
export function hasAny(...names: readonly SectionName[]): Condition {
  return (sample) => sample === null || names.some((name) => sample.sections[name] !== undefined);
}

/** Return the condition that the section is in the sample or its source failed: the panel then shows the reason. */
export function hasOrFailed(name: SectionName): Condition {
  const has = hasAny(name);
  return (sample) => has(sample) || hasFailed(sample, name);
}

export function hasFailed(sample: Sample | null, name: SectionName): boolean {
  return sample?.sources[name]?.state === "failed";
}
