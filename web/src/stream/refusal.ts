/**
 * Why a viewer was not let in. A browser tells a page nothing of the answer to a WebSocket's handshake,
 * so this asks for the stream by plain HTTP, which goes through the same doors as /ws and says what is
 * wrong as JSON; all but the Origin's, for a browser sends none to the page's own server. When to ask
 * and when to try again is the connection's business, which also hangs up.
 */
import { endOf, refusedWith, type End } from "../protocol/ends";
import { field, object, text } from "../protocol/shape";

/** What is asked of the browser; its own unless a test says otherwise. */
export interface Browser {
  readonly fetch: (address: string, options: RequestInit) => Promise<Response>;
  readonly reload: () => void;
  /** Whether this page itself came by a reload. */
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

const UNREACHABLE: End = { ...endOf(1006), why: "the server is not reachable" };
const LOGGED_OUT: End = { ...refusedWith(401, "the login does not hold any more"), retry: false };
const TOKEN_WANTED = refusedWith(401, "the server wants a token: load this page again to log in");
const BLOCKED: End = {
  ...refusedWith(
    200,
    "the server answers, but something before it does not pass WebSockets, or their Host, on",
  ),
  name: "blocked",
};

export class Refusals {
  readonly #address: string;
  readonly #browser: Browser;
  #letIn = false;
  #passed = 0;

  constructor(pageAddress: string, browser: Browser) {
    // A small section: of a stream that is let in, the first message may be on its way already.
    this.#address = new URL("api/v1/stream?sections=self", pageAddress).href;
    this.#browser = browser;
  }

  /** A WebSocket got through. */
  opened(): void {
    this.#letIn = true;
    this.#passed = 0;
  }

  /** What is to be said of a try that came to nothing, or of a viewer that was shown out. Never rejects. */
  async why(end: End, signal: AbortSignal): Promise<End> {
    let answer: Response;
    try {
      const options: RequestInit = { signal, cache: "no-store", redirect: "manual" };
      answer = await this.#browser.fetch(this.#address, options);
    } catch {
      this.#passed = 0; // nobody answered, or not in time; a browser does not say more of it
      return end.retry ? UNREACHABLE : end;
    }
    // A redirect is the login of a proxy, whose session is over: it, too, is shown to who loads the page.
    if (answer.status === 401 || answer.type === "opaqueredirect") return this.#logIn();
    this.#passed = answer.ok ? this.#passed + 1 : 0;
    if (!end.retry) return end;
    // Once proves nothing: a place may have become free between the try and the question.
    if (answer.ok) return this.#passed > 1 ? BLOCKED : end;
    const words = await maybeWords(answer);
    return words === null
      ? { ...UNREACHABLE, why: `something before the server answers HTTP ${answer.status}` }
      : refusedWith(answer.status, words);
  }

  /**
   * Loads the page again, which then is the login page. Where it is this page once more (a proxy or Vite
   * serves it to everybody, say) nobody is let in, and it came by a reload: that ends the loop.
   */
  #logIn(): End {
    if (!this.#letIn && this.#browser.reloaded()) return TOKEN_WANTED;
    this.#browser.reload();
    return LOGGED_OUT;
  }
}

/** The server's own sentence; null if the answer has none, and so is somebody else's. */
export async function maybeWords(answer: Response): Promise<string | null> {
  try {
    return field(object(JSON.parse(await answer.text())), "error", text);
  } catch {
    return null; // no JSON, not of this shape, or cut off
  }
}
