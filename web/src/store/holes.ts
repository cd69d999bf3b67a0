/**
 * The samples that are not here yet: those from before the first one of a run, and those of an interruption. Each hole
 * is filled backwards from the sample after it, so it always ends at a known sample. The newest hole is filled first.
 */
import type { Sample, SampleHead } from "../protocol/frames";

export interface Hole {
  readonly stream: string;
  /** The missing samples have a higher number than this. 0: all that the server remembers. */
  readonly since: number;
  /** The known sample after the hole, and its time on the axis, which setting the host's clock moves. */
  after: SampleHead;
  x: number;
  /** How many samples are missing, while that is known: those of an interruption. */
  readonly expected: number;
  found: number;
  /** How many of those found are counted as received. */
  counted: number;
  /** The time of the mark that shows a restart: at the oldest known sample of the run. */
  mark: number | null;
}

export class Holes {
  #holes: Hole[] = [];

  get newest(): Hole | null {
    return this.#holes[0] ?? null;
  }

  has(hole: Hole): boolean {
    return this.#holes.includes(hole);
  }

  /** A run begins with this sample: everything that the server remembers of the run before it is missing. */
  before(sample: Sample, restarted: boolean): void {
    if (sample.seq > 1) this.#add(sample, 0, 0, restarted ? sample.time_unix : null);
  }

  /** After an interruption, this is the first sample. */
  interrupted(since: number, sample: Sample, expected: number): void {
    if (expected > 0) this.#add(sample, since, expected, null);
  }

  /** Forget the hole; return how many samples stay missing. */
  close(hole: Hole): number {
    this.#holes = this.#holes.filter((one) => one !== hole);
    return Math.max(0, hole.expected - hole.found);
  }

  /** Forget the holes that end before `x`, because nobody needs or can fill them; return how many samples stay missing. */
  closeBefore(x: number): number {
    const old = this.#holes.filter((hole) => hole.x < x);
    return old.reduce((sum, hole) => sum + this.close(hole), 0);
  }

  shift(seconds: number): void {
    for (const hole of this.#holes) {
      hole.x += seconds;
      if (hole.mark !== null) hole.mark += seconds;
    }
  }

  #add(sample: Sample, since: number, expected: number, mark: number | null): void {
    const { stream, time_unix: x } = sample;
    this.#holes.unshift({ stream, since, after: sample, x, expected, found: 0, counted: 0, mark });
  }
}
