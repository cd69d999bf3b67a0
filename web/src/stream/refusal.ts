/**
 * Finds out why the server did not accept a viewer. A browser hides from the page how the server answered the WebSocket
 * handshake. So this sends a plain HTTP request for the stream, which the server checks in the same way as /ws; it
 * answers with the reason as JSON. Only the check of Origin differs, because a browser sends no Origin to the page's own
 * server. The connection decides when to ask and when to try again, and ends the request.
 *
 * Also has the requests beside the stream, which fail with such a reason.
 */
import { endOf, refusedWith, RequestError, type End } from "../protocol/ends";
import { field, object, text } from "../protocol/shape";
import { parseShown } from "../protocol/shown";

/** Parts of the browser that a test replaces. */
export interface Browser {
  readonly fetch: (address: string, options: RequestInit) => Promise<Response>;
  readonly reload: () => void;
  /** Return whether this page was itself loaded by a reload. */
  readonly reloaded: () => boolean;
}

export const BROWSER: Browser = {
  fetch: (address, options) => fetch(address, options),
  reload: () => {
    location.reload();
  },
  reloaded: () => {
    const [load] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    return load?.type === "reload";
  },
};

const UNREACHABLE: End = { ...endOf(1006), reason: "the server is not reachable" };
const LOGGED_OUT: End = { ...refusedWith(401, "the login has expired"), retry: false };
const TOKEN_REQUIRED = refusedWith(401, "the server requires a token: reload this page to log in");
const BLOCKED: End = {
  ...refusedWith(
    200,
    "the server answers, but a proxy in front of it does not forward WebSockets or their Host header",
  ),
  name: "blocked",
};

const CHECK_TIMEOUT_MS = 4000;

export class RefusalProbe {
  readonly #address: string;
  readonly #browser: Browser;
  #wasAccepted = false;
  /** The number of requests in a row that the server accepted. */
  #accepted = 0;

  /** `stream` is the address of the same stream over HTTP. */
  constructor(pageAddress: string, browser: Browser, stream = hostStream(null)) {
    this.#address = new URL(stream, pageAddress).href;
    this.#browser = browser;
  }

  /** A WebSocket was accepted. */
  opened(): void {
    this.#wasAccepted = true;
    this.#accepted = 0;
  }

  /** Return the end with the reason that the server gives. Never rejects. */
  async diagnose(end: End, signal: AbortSignal): Promise<End> {
    let answer: Response;
    try {
      const options: RequestInit = { signal, cache: "no-store", redirect: "manual" };
      answer = await this.#browser.fetch(this.#address, options);
    } catch {
      this.#accepted = 0; // no answer, or not in time; a browser gives no better reason
      return end.retry ? UNREACHABLE : end;
    }
    // A redirect comes from a proxy whose session has ended. Loading the page shows the proxy's login.
    if (answer.status === 401 || answer.type === "opaqueredirect") return this.#logIn();
    this.#accepted = answer.ok ? this.#accepted + 1 : 0;
    if (!end.retry) return end;
    // Once proves nothing: a slot may have become free between the try and this request.
    if (answer.ok) return this.#accepted > 1 ? BLOCKED : end;
    const error = await maybeErrorText(answer);
    const seconds = retryAfterOf(answer.headers.get("Retry-After"));
    const refusal =
      error === null
        ? {
            ...UNREACHABLE,
            reason: `a proxy in front of the server answered HTTP ${answer.status}`,
          }
        : refusedWith(answer.status, error);
    return seconds === 0 ? refusal : { ...refusal, retryAfterSeconds: seconds };
  }

  /**
   * Show the login if the server does not accept this viewer any more, although its stream is open: another request was
   * refused for that reason.
   */
  async checkLogin(): Promise<void> {
    const request = new AbortController();
    const end = (): void => {
      request.abort(); // an accepted request is a viewer
    };
    const timer = setTimeout(end, CHECK_TIMEOUT_MS);
    this.opened();
    await this.diagnose(endOf(1008), request.signal);
    clearTimeout(timer);
    end();
  }

  /**
   * Load the page again, which then is the login page. If a proxy or Vite serves this page to everybody, it would be
   * this page again and again. So a page that was loaded by a reload and never accepted does not reload.
   */
  #logIn(): End {
    if (!this.#wasAccepted && this.#browser.reloaded()) return TOKEN_REQUIRED;
    this.#browser.reload();
    return LOGGED_OUT;
  }
}

/** Return the address for a host. With a small section: the first message may be on its way when this page has an answer. */
export function hostStream(host: string | null): string {
  const query = new URLSearchParams({ ...(host !== null && { host }), sections: "self" });
  return `api/v1/stream?${query.toString()}`;
}

interface RequestChoice {
  readonly method?: string | undefined;
  readonly headers?: Record<string, string>;
  /** Some bytes have arrived. */
  readonly heard?: () => void;
}

/** A request that brings no byte for this long is given up: a proxy may have lost it, while the stream goes on. */
const SILENT_MS = 20_000;

/** Return the text of the answer to a request beside the stream. Rejects with a RequestError that has the reason. */
export async function requestText(
  address: string,
  browser: Pick<Browser, "fetch">,
  signal: AbortSignal,
  { method = "GET", headers = {}, heard }: RequestChoice = {},
): Promise<string> {
  const request = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    clearTimeout(timer);
    request.abort();
  };
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(end, SILENT_MS);
  };
  // AbortSignal.any does the same, but browsers before Chrome 116, Firefox 124 and Safari 17.4 do not have it.
  signal.addEventListener("abort", end);
  wait();
  if (signal.aborted) end();
  try {
    const options: RequestInit = {
      method,
      headers,
      signal: request.signal,
      cache: "no-store",
      redirect: "manual",
    };
    const answer = await browser.fetch(address, options);
    if (!answer.ok) throw await errorOf(answer);
    const reader = answer.body?.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      heard?.();
      wait();
      text += decoder.decode(part.value, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError(UNREACHABLE.reason); // a browser gives no better reason
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

async function errorOf(answer: Response): Promise<RequestError> {
  if (answer.type === "opaqueredirect")
    return new RequestError("a proxy requires a login", 0, true);
  const reason = (await maybeErrorText(answer)) ?? `HTTP ${answer.status}`;
  const retryAfterSeconds = retryAfterOf(answer.headers.get("Retry-After"));
  return new RequestError(reason, retryAfterSeconds, answer.status === 401);
}

interface JsonChoice extends Pick<RequestChoice, "method"> {
  /** Gets the size of the answer. */
  readonly received?: (bytes: number) => void;
}

/** Return the answer to a request as JSON, otherwise as `requestText`. */
export async function requestJson(
  address: string,
  browser: Pick<Browser, "fetch">,
  signal: AbortSignal,
  { method, received }: JsonChoice = {},
): Promise<unknown> {
  const content = await requestText(address, browser, signal, { method });
  received?.(content.length);
  return parseShown(content);
}

/** So that an absurd value does not end the page. */
const MAX_RETRY_AFTER_SECONDS = 300;

/** Return the seconds of a Retry-After header: a whole number, or a date (RFC 9110, 10.2.3). 0 without a valid one. */
export function retryAfterOf(header: string | null, nowMs = Date.now()): number {
  if (header === null) return 0;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - nowMs) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.max(0, Math.min(MAX_RETRY_AFTER_SECONDS, seconds));
}

/** Return the server's own sentence. Null when the answer has none, because another program sent it. */
export async function maybeErrorText(answer: Response): Promise<string | null> {
  try {
    return field(object(parseShown(await answer.text())), "error", text);
  } catch {
    return null; // not JSON, of another shape, or cut off
  }
}
