/**
 * Finds out when the line cannot carry the stream: then each sample is later than the one before it. The page asks for
 * fewer samples then. A delay that shrinks has another cause: what waited during an interruption arrives at once.
 */
const LATE_SECONDS = 5;
const LATE_SAMPLES = 5;
const MAX_FACTOR = 64;

export class Pace {
  /** Of so many samples, the line carries one. */
  factor = 1;
  #lateSamples = 0;
  #delaySeconds = 0;

  /** Note the delay of a sample. Return whether the factor has changed. */
  sample(delaySeconds: number): boolean {
    const isLater = delaySeconds > LATE_SECONDS && delaySeconds >= this.#delaySeconds;
    this.#delaySeconds = delaySeconds;
    this.#lateSamples = isLater ? this.#lateSamples + 1 : 0;
    if (this.#lateSamples < LATE_SAMPLES || this.factor >= MAX_FACTOR) return false;
    this.factor *= 2;
    this.#lateSamples = 0;
    return true;
  }

  /** The next connection may use another line. */
  reset(): void {
    this.factor = 1;
    this.#lateSamples = 0;
  }
}
