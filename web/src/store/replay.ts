/**
 * The alerts at the begin of a connection. Its first samples are live, and those before them arrive later, as samples of
 * the past. Without them, a page that is opened during a problem would warn only after another 10 s. So the values of
 * both are kept until the first part of the past is here, and then watched once, in the order of time.
 */
import { watch, type Moment, type Reading, type Watches } from "./thresholds";

interface Step extends Moment {
  readonly readings: readonly Reading[];
}

/** Of the past and of the live samples each: what is older decides nothing. */
const KEPT_SECONDS = 60;

export class Replay {
  readonly #before: Watches;
  readonly #steps: Step[];
  readonly #begin: number;

  /** `first` is the first live sample, and `before` the watches before it. */
  constructor(before: Watches, first: Step) {
    this.#before = before;
    this.#steps = [first];
    this.#begin = first.at;
  }

  /** Add a live sample. Return false when the past is too late: the live samples have decided by now. */
  append(step: Step): boolean {
    this.#steps.push(step);
    return step.at - this.#begin <= KEPT_SECONDS;
  }

  /** Add the sample before the oldest one. `seconds` and `hasGap` are those between the two. */
  prepend(readings: readonly Reading[], { seconds, hasGap }: { seconds: number; hasGap: boolean }) {
    const oldest = this.#steps[0];
    if (oldest === undefined || this.#begin - oldest.at >= KEPT_SECONDS) return;
    this.#steps[0] = { ...oldest, afterGap: hasGap };
    // The sample before this one is not known yet.
    this.#steps.unshift({ readings, at: oldest.at - seconds, afterGap: true });
  }

  watches(): Watches {
    return this.#steps.reduce((before, step) => watch(before, step.readings, step), this.#before);
  }
}
