/**
 * Loads the samples of the past over HTTP, while the stream is live: first those of the last minute, then older ones in
 * parts. The length of a part follows from the time that the last one took, so that a slow line shows progress and a
 * fast one needs few requests. A failed request is repeated with a growing delay; what has arrived stays.
 *
 * A part is added in slices of a few milliseconds, so that the page does not stutter. The sink keeps what is missing, so
 * loading can be stopped and started at any time.
 */
import { decodeSample, historySamples } from "../protocol/decode";
import { RequestError } from "../protocol/ends";
import type { Sample } from "../protocol/frames";
import { retryDelayMs } from "./backoff";
import { requestText, type Browser } from "./refusal";

/** Missing samples of a run: those before `after`, and after the number `since`. */
export interface Missing {
  readonly stream: string;
  readonly since: number;
  readonly after: { readonly seq: number };
}

/** Keeps what is missing, and gets the samples. */
export interface Sink<M extends Missing> {
  /** The samples to load next; null when there are none, or not yet. */
  readonly next: () => M | null;
  /** How many seconds of them are of interest, back from the newest one. */
  readonly seconds: (missing: M) => number;
  /** Takes a sample, the newest ones first. Returns false when no older one is needed. */
  readonly add: (missing: M, sample: Sample) => boolean;
  /** A part is complete. `done`: there is no more to load of this. */
  readonly added: (missing: M, done: boolean) => void;
  /** `reason`: why the last request failed, and when the next one is; null while one works. */
  readonly loading: (failure: { readonly reason: string; readonly delayMs: number } | null) => void;
  /** Nothing is requested any more: everything is loaded, or the work was stopped. */
  readonly idle: () => void;
  /** Some bytes have arrived. */
  readonly heard: () => void;
}

export interface PastOptions {
  /** As in `StreamChoice`. */
  readonly host: string | null;
  readonly fetch: Browser["fetch"];
  readonly random?: () => number;
  /** Every how many samples, see `StreamChoice`. */
  readonly every: () => number;
  /** The time between two of these samples. */
  readonly tickSeconds: () => number;
  /** The server requires a login for the past: show it if the stream requires one, too. */
  readonly checkLogin: () => void;
}

const FIRST_SECONDS = 60;
const SHORTEST_SECONDS = 10;
const LONGEST_SECONDS = 600;
/** A part has at least so many samples where there are any: an empty one means that the server has no more. */
const FEWEST_SAMPLES = 2;
/** The time that a part should take. */
const PART_MS = 2000;
/** Parsing this many takes about 5 ms, in one task. */
const PART_CHARACTERS = 500_000;
const SLICE_MS = 6;
export class Past<M extends Missing> {
  readonly #address: string;
  readonly #sink: Sink<M>;
  readonly #options: PastOptions;
  /** Not null from `start` until everything is loaded, or until `stop`. */
  #work: AbortController | null = null;
  #failures = 0;
  #seconds = FIRST_SECONDS;

  constructor(pageAddress: string, sink: Sink<M>, options: PastOptions) {
    this.#address = new URL("api/v1/history", pageAddress).href;
    this.#sink = sink;
    this.#options = options;
  }

  /** Load what is missing, unless that happens already. */
  start(): void {
    if (this.#work !== null || this.#sink.next() === null) return;
    this.#work = new AbortController();
    void this.#load(this.#work.signal);
  }

  /** End the request and everything that follows it. */
  stop(): void {
    if (this.#work === null) return;
    this.#work.abort();
    this.#work = null;
    this.#failures = 0;
    this.#sink.idle();
  }

  async #load(signal: AbortSignal): Promise<void> {
    this.#sink.loading(null);
    for (let missing = this.#sink.next(); missing !== null; missing = this.#sink.next()) {
      try {
        await this.#loadPart(missing, signal);
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof RequestError)) throw error;
        if (error.requiresLogin) this.#options.checkLogin();
        await this.#waitAfter(error, signal);
      }
      if (isStopped(signal)) return;
    }
    this.#work = null;
    this.#sink.idle();
  }

  async #waitAfter(error: RequestError, signal: AbortSignal): Promise<void> {
    const backoffMs = retryDelayMs(this.#failures, this.#options.random ?? Math.random);
    const delayMs = Math.max(backoffMs, error.retryAfterSeconds * 1000);
    this.#failures += 1;
    // It may have been too long for the line.
    this.#seconds = Math.max(SHORTEST_SECONDS, this.#seconds / 2);
    this.#sink.loading({ reason: error.message, delayMs });
    await pause(delayMs, signal);
    if (!signal.aborted) this.#sink.loading(null);
  }

  async #loadPart(missing: M, signal: AbortSignal): Promise<void> {
    const wanted = this.#sink.seconds(missing);
    if (wanted <= 0) {
      this.#sink.added(missing, true);
      return;
    }
    const fewest = FEWEST_SAMPLES * this.#options.tickSeconds();
    const seconds = Math.max(fewest, Math.min(this.#seconds, wanted));
    const startedAt = performance.now();
    const text = await this.#request(missing, seconds, signal);
    if (isStopped(signal)) return;
    const tookMs = Math.max(1, performance.now() - startedAt);
    const isDone = await this.#add(missing, text, signal);
    if (isStopped(signal)) return;
    this.#sink.added(missing, isDone);
    const factor = Math.min(4, PART_MS / tookMs, PART_CHARACTERS / text.length);
    this.#seconds = Math.max(SHORTEST_SECONDS, Math.min(LONGEST_SECONDS, seconds * factor));
  }

  /** Return the text of a part. Rejects with a RequestError. */
  #request(missing: M, seconds: number, signal: AbortSignal): Promise<string> {
    const { stream, since, after } = missing;
    const query = new URLSearchParams({ brief: "1", stream, before: String(after.seq) });
    if (this.#options.host !== null) query.set("host", this.#options.host);
    if (since > 0) query.set("since", String(since));
    query.set("seconds", String(Math.ceil(seconds)));
    if (this.#options.every() > 1) query.set("every", String(this.#options.every()));
    const address = `${this.#address}?${query.toString()}`;
    return requestText(address, this.#options, signal, { heard: this.#sink.heard });
  }

  /** Add the samples, the newest ones first. Return whether the server has no more of them. */
  async #add(missing: M, text: string, signal: AbortSignal): Promise<boolean> {
    const samples = samplesOf(text);
    const { seq } = missing.after;
    let startedAt = performance.now();
    for (const item of samples.toReversed()) {
      const sample = maybeSample(item);
      if (sample !== null && !this.#sink.add(missing, sample)) return true;
      if (performance.now() - startedAt < SLICE_MS) continue;
      await pause(0, signal);
      if (isStopped(signal)) return false;
      startedAt = performance.now();
    }
    return missing.after.seq === seq || missing.after.seq <= missing.since + 1;
  }
}

function samplesOf(text: string): readonly unknown[] {
  try {
    return historySamples(text);
  } catch {
    throw new RequestError("the answer is not a history");
  }
}

/** A sample that cannot be decoded stays missing. */
function maybeSample(item: unknown): Sample | null {
  try {
    return decodeSample(item);
  } catch {
    return null;
  }
}

/** A function, because TypeScript takes a property that was false for false, also after an `await`. */
function isStopped(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Wait until the time is over, or until the work is stopped. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
