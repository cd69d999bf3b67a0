/**
 * One lasting connection: a socket that is opened again, with a growing delay, until `stop`. Each try has its own socket
 * and a new address, so that `since` is right. A socket that is no longer the present one is ignored, whatever it still
 * reports. Handles text messages and close codes, but not what they contain.
 */
import { endOf, type End } from "../protocol/ends";
import { retryDelayMs } from "./backoff";

export interface Listener {
  opened(): void;
  message(text: unknown): void;
  /** `nextTryInMs` is null when there is no next try. */
  closed(end: End, nextTryInMs: number | null): void;
  /**
   * Returns the end with a better reason than the socket gives. Called for a connection that was not accepted, and for
   * an end that forbids another try. Must not reject. `closed` is called after it; its signal is aborted once it has
   * answered, or when the answer takes too long.
   */
  diagnose?(end: End, signal: AbortSignal): Promise<End>;
}

/** Parts of the browser that a test replaces. */
export interface Environment {
  readonly WebSocket?: new (address: string) => EventTarget & Pick<WebSocket, "close">;
  readonly random?: () => number;
  /** Milliseconds that never go back. */
  readonly nowMs?: () => number;
}

const TRY_TIMEOUT_MS = 4000;

export class Connection {
  readonly #address: () => string;
  readonly #listener: Listener;
  readonly #environment: Environment;
  #running = false;
  /** That of the present try, or of the open connection. Null between two tries. */
  #socket: Pick<WebSocket, "close"> | null = null;
  #diagnosis: AbortController | null = null;
  /** Ends the present try, a diagnosis, or the wait for the next try. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** The server's Retry-After of the last end. */
  #notBeforeMs = -Infinity;

  constructor(address: () => string, listener: Listener, environment: Environment = {}) {
    this.#address = address;
    this.#listener = listener;
    this.#environment = environment;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#try();
  }

  /** Close the connection. Nothing of it runs afterwards. */
  stop(): void {
    this.#running = false;
    this.#cancel();
    this.#drop();
  }

  /** Connect at once instead of at the planned time, because the line may work again. A Retry-After still applies. */
  wake(): void {
    if (this.#nowMs() >= this.#notBeforeMs) this.tryNow();
  }

  /** Connect at once instead of at the planned time, because the viewer asked for it. */
  tryNow(): void {
    if (!this.#running || this.#socket !== null) return;
    this.#cancel();
    this.#try();
  }

  /** Replace a connection that is open but silent: a dead peer sends no close frame. */
  replace(): void {
    if (this.#socket === null) return;
    this.stop();
    this.start();
  }

  #try(): void {
    const socket = new (this.#environment.WebSocket ?? WebSocket)(this.#address());
    let wasOpen = false;
    const listen = <T extends keyof WebSocketEventMap>(
      type: T,
      run: (event: WebSocketEventMap[T]) => void,
    ): void => {
      socket.addEventListener(type, (event) => {
        if (this.#socket === socket) run(event as WebSocketEventMap[T]);
      });
    };
    listen("open", () => {
      this.#cancel();
      wasOpen = true;
      this.#listener.opened();
    });
    listen("message", ({ data }) => {
      this.#failures = 0;
      this.#listener.message(data);
    });
    listen("close", ({ code }) => {
      this.#cancel();
      this.#socket = null;
      const end = endOf(code);
      if (this.#listener.diagnose === undefined || (wasOpen && end.retry)) this.#closed(end);
      else void this.#diagnose(end);
    });
    this.#socket = socket;
    this.#after(TRY_TIMEOUT_MS, () => {
      this.#drop();
      this.#closed(endOf(1006)); // no server has answered, so there is nothing to diagnose
    });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  async #diagnose(end: End): Promise<void> {
    const diagnosis = new AbortController();
    this.#diagnosis = diagnosis;
    this.#after(TRY_TIMEOUT_MS, () => {
      diagnosis.abort();
    });
    const answer = await this.#listener.diagnose?.(end, diagnosis.signal);
    if (this.#diagnosis !== diagnosis) return; // another try or `stop` came first
    this.#cancel();
    this.#closed(answer ?? end);
  }

  #closed(end: End): void {
    if (!end.retry) {
      this.#listener.closed(end, null);
      return;
    }
    const backoff = retryDelayMs(this.#failures, this.#environment.random ?? Math.random);
    const retryAfterMs = (end.retryAfterSeconds ?? 0) * 1000;
    const delay = Math.max(backoff, retryAfterMs);
    this.#notBeforeMs = this.#nowMs() + retryAfterMs;
    this.#failures += 1;
    this.#after(delay, () => {
      this.#try();
    });
    this.#listener.closed(end, delay);
  }

  #nowMs(): number {
    return this.#environment.nowMs?.() ?? performance.now();
  }

  #after(ms: number, run: () => void): void {
    this.#timer = setTimeout(run, ms);
  }

  #cancel(): void {
    this.#diagnosis?.abort();
    this.#diagnosis = null;
    clearTimeout(this.#timer);
  }
}
