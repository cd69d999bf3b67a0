/**
 * Finds out when the line cannot carry the stream: then each sample is later than the one before it. The page asks for
 * fewer samples then. A delay that shrinks has another cause: what waited during an interruption arrives at once.
 *
 * When samples have been in time for a while, the page asks for twice as many again. If the line cannot carry them, the
 * next attempt comes after twice the time, because each attempt costs a connection and some late samples.
 */
const LATE_SECONDS = 5;
const LATE_SAMPLES = 5;
const MAX_FACTOR = 64;
const PROMPT_SECONDS = 1;
const PROMPT_SAMPLES = 5;
/** In samples of the host, of which the page gets one in `factor`. */
const FIRST_WAIT = 60;
const LONGEST_WAIT = 3600;

export class Pace {
  /** Of so many samples, the line carries one. */
  factor = 1;
  #lateSamples = 0;
  #promptSamples = 0;
  #delaySeconds = 0;
  #wait = FIRST_WAIT;
  /** The factor was lowered, and no sample was late since. */
  #isAttempt = false;

  /** Note the delay of a sample. Return whether the factor has changed. */
  sample(delaySeconds: number): boolean {
    const isLater = delaySeconds > LATE_SECONDS && delaySeconds >= this.#delaySeconds;
    this.#delaySeconds = delaySeconds;
    this.#lateSamples = isLater ? this.#lateSamples + 1 : 0;
    this.#promptSamples = delaySeconds < PROMPT_SECONDS ? this.#promptSamples + 1 : 0;
    if (this.#lateSamples >= LATE_SAMPLES && this.factor < MAX_FACTOR) {
      if (this.#isAttempt) this.#wait = Math.min(LONGEST_WAIT, this.#wait * 2);
      this.#change(this.factor * 2, false);
      return true;
    }
    const isLongEnough =
      this.#promptSamples >= PROMPT_SAMPLES && this.#promptSamples * this.factor >= this.#wait;
    if (isLongEnough && this.factor > 1) {
      this.#change(this.factor / 2, true);
      return true;
    }
    return false;
  }

  /** The next connection may use another line. */
  reset(): void {
    this.#wait = FIRST_WAIT;
    this.#change(1, false);
  }

  #change(factor: number, isAttempt: boolean): void {
    this.factor = factor;
    this.#isAttempt = isAttempt;
    this.#lateSamples = 0;
    this.#promptSamples = 0;
  }
}
