/**
 * One lasting connection: a socket that is opened again, with a growing delay, until `stop`.
 *
 * partysocket holds the present socket, ends a try that hangs, and gets a new address for each try, so that `since` is
 * right. The schedule is ours, because the viewer sees it and can cut it short; partysocket's own wait allows neither
 * (its `reconnect()` returns early while it waits). Handles text messages and close codes, but not what they contain.
 */
import ReconnectingWebSocket from "partysocket/ws";

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
  readonly WebSocket?: new (address: string) => unknown;
  readonly random?: () => number;
}

const TRY_TIMEOUT_MS = 4000;

export class Connection {
  readonly #address: () => string;
  readonly #listener: Listener;
  readonly #environment: Environment;
  #socket: ReconnectingWebSocket | null = null;
  #open = false;
  #diagnosis: AbortController | null = null;
  /** Ends the wait for the next try, or for a diagnosis. Null when there is no wait. */
  #timer: ReturnType<typeof setTimeout> | null = null;
  #failures = 0;

  constructor(address: () => string, listener: Listener, environment: Environment = {}) {
    this.#address = address;
    this.#listener = listener;
    this.#environment = environment;
  }

  start(): void {
    if (this.#socket !== null) return;
    const socket = new ReconnectingWebSocket(this.#address, null, {
      connectionTimeout: TRY_TIMEOUT_MS,
      shouldReconnectOnClose: () => false,
      ...(this.#environment.WebSocket && { WebSocket: this.#environment.WebSocket }),
    });
    socket.onopen = () => {
      this.#open = true;
      this.#listener.opened();
    };
    socket.onmessage = (event) => {
      this.#failures = 0;
      this.#listener.message(event.data);
    };
    socket.onclose = (event) => {
      // partysocket's reason for a try that hung. No server has answered, so there is nothing to diagnose.
      this.#ended(endOf(event.code), event.reason === "timeout");
    };
    this.#socket = socket;
  }

  /** Close the connection. Nothing of it runs afterwards. */
  stop(): void {
    this.#cancel();
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    this.#open = false;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** Connect at once instead of at the planned time: the viewer asked for it, or the browser is online again. */
  tryNow(): void {
    if (this.#timer === null && this.#socket?.readyState !== ReconnectingWebSocket.CLOSED) return;
    this.#cancel();
    this.#socket?.reconnect();
  }

  /** Replace a connection that is open but silent: a dead peer sends no close frame. */
  replace(): void {
    if (this.#socket === null || this.#timer !== null) return;
    this.stop();
    this.start();
  }

  #ended(end: End, hung: boolean): void {
    if (this.#timer !== null) return;
    const wasOpen = this.#open;
    this.#open = false;
    if (this.#listener.diagnose === undefined || hung || (wasOpen && end.retry)) this.#closed(end);
    else void this.#diagnose(end);
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
    const delay = Math.max(backoff, (end.retryAfterSeconds ?? 0) * 1000);
    this.#failures += 1;
    this.#after(delay, () => {
      this.#timer = null;
      this.#socket?.reconnect();
    });
    this.#listener.closed(end, delay);
  }

  #after(ms: number, run: () => void): void {
    this.#timer = setTimeout(run, ms);
  }

  #cancel(): void {
    this.#diagnosis?.abort();
    this.#diagnosis = null;
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}
