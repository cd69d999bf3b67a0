/**
 * One lasting connection: a socket that is opened again, with backoff, until `stop`.
 *
 * partysocket holds the socket of the moment, times out a try that hangs, and asks for the address
 * anew each time, so that `since` is right. The schedule is ours: partysocket's own wait can neither
 * be cut short (its `reconnect()` returns early while it waits) nor be shown to the viewer.
 * Knows text messages and close codes, nothing of what is in them.
 */
import ReconnectingWebSocket from "partysocket/ws";

import { retryDelayMs } from "./backoff";
import { endOf, type End } from "../protocol/ends";

export interface Listener {
  opened(): void;
  message(text: unknown): void;
  /** `nextTryInMs` is null when nobody will try again by itself. */
  closed(end: End, nextTryInMs: number | null): void;
  /**
   * More than the socket says of a try that was cut off, or of an end that forbids to try again;
   * must not reject. `closed` waits for it, and once it has answered its signal is aborted.
   */
  why?(end: End, signal: AbortSignal): Promise<End>;
}

export interface Edges {
  /** What to make sockets with; the browser's own unless a test says otherwise. */
  readonly WebSocket?: new (address: string) => unknown;
  readonly setTimeout?: (run: () => void, ms: number) => unknown;
  readonly clearTimeout?: (timer: never) => void;
  readonly random?: () => number;
}

const TRY_TIMEOUT_MS = 4000;

export class Connection {
  readonly #address: () => string;
  readonly #listener: Listener;
  readonly #edges: Edges;
  #socket: ReconnectingWebSocket | null = null;
  #open = false;
  #asking: AbortController | null = null;
  /** Ends the wait for the next try, or for an answer; with neither, null. */
  #timer: unknown = null;
  #failures = 0;

  constructor(address: () => string, listener: Listener, edges: Edges = {}) {
    this.#address = address;
    this.#listener = listener;
    this.#edges = edges;
  }

  start(): void {
    if (this.#socket !== null) return;
    const socket = new ReconnectingWebSocket(this.#address, null, {
      connectionTimeout: TRY_TIMEOUT_MS,
      shouldReconnectOnClose: () => false,
      ...(this.#edges.WebSocket && { WebSocket: this.#edges.WebSocket }),
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
      // partysocket's word for a try that hung. Nobody has refused anything, so there is nothing to ask.
      this.#ended(endOf(event.code), event.reason === "timeout");
    };
    this.#socket = socket;
  }

  /** Leaves for good; nothing of this connection runs afterwards. */
  stop(): void {
    this.#cancel();
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    this.#open = false;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** At once, whatever the schedule says: the viewer asked, or the browser is back online. */
  tryNow(): void {
    if (this.#timer === null && this.#socket?.readyState !== ReconnectingWebSocket.CLOSED) return;
    this.#cancel();
    this.#socket?.reconnect();
  }

  /** Drops a connection that is open but silent, and tries again; a dead peer never says goodbye. */
  abandon(): void {
    if (this.#socket === null || this.#timer !== null) return;
    this.stop();
    this.start();
  }

  #ended(end: End, hung: boolean): void {
    if (this.#timer !== null) return;
    const letIn = this.#open;
    this.#open = false;
    if (this.#listener.why === undefined || hung || (letIn && end.retry)) this.#closed(end);
    else void this.#ask(end);
  }

  async #ask(end: End): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    this.#after(TRY_TIMEOUT_MS, () => {
      asking.abort();
    });
    const answer = await this.#listener.why?.(end, asking.signal);
    if (this.#asking !== asking) return; // another try, or the end of all, has come first
    this.#cancel();
    this.#closed(answer ?? end);
  }

  #closed(end: End): void {
    if (!end.retry) {
      this.#listener.closed(end, null);
      return;
    }
    const delay = retryDelayMs(this.#failures, this.#edges.random ?? Math.random);
    this.#failures += 1;
    this.#after(delay, () => {
      this.#timer = null;
      this.#socket?.reconnect();
    });
    this.#listener.closed(end, delay);
  }

  #after(ms: number, run: () => void): void {
    this.#timer = (this.#edges.setTimeout ?? setTimeout)(run, ms);
  }

  #cancel(): void {
    this.#asking?.abort();
    this.#asking = null;
    if (this.#timer === null) return;
    (this.#edges.clearTimeout ?? clearTimeout)(this.#timer as never);
    this.#timer = null;
  }
}
