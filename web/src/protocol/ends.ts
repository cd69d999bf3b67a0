/** The reasons for which a connection ends or is not accepted and a request fails, with the words that the page shows for them. */
export interface End {
  /** The code of the close frame (RFC 6455, 7.4.1). Below 1000, it is an HTTP status instead. */
  readonly code: number;
  /** For the badge: `ended: too slow`, `refused`. Null when the server gave no reason. */
  readonly name: string | null;
  /** A sentence for the viewer. */
  readonly reason: string;
  /** True if the page tries again by itself. */
  readonly retry: boolean;
  /** The server's Retry-After: the page waits at least this time. */
  readonly retryAfterSeconds?: number;
}

const NAMED: Readonly<Record<number, Omit<End, "code">>> = {
  1001: { name: "shutting down", reason: "the server stops or restarts", retry: true },
  1008: { name: "not allowed", reason: "the server does not accept this viewer", retry: false },
  1009: { name: "too big", reason: "this viewer sent a message that is too large", retry: true },
  4008: { name: "too slow", reason: "this viewer read nothing for 10 s", retry: true },
};

export function endOf(code: number): End {
  const named = NAMED[code];
  if (named !== undefined) return { code, ...named };
  return { code, name: null, reason: "the connection was interrupted", retry: true };
}

/** Return the end for an HTTP answer in place of a WebSocket, with the server's own sentence. */
export function refusedWith(status: number, reason: string): End {
  return { code: status, name: "refused", reason, retry: true };
}

/** The version of the protocol that this page can read (docs/protocol.md). */
const PROTOCOL = 1;

/** Return the end for a server with another protocol; null for one that this page can read. */
export function maybeUnsupported(protocol: number): End | null {
  if (protocol === PROTOCOL) return null;
  const reason = `the server uses version ${protocol} of the protocol, and this page version ${PROTOCOL}: load the page again`;
  return { code: 1002, name: "not supported", reason, retry: false };
}

/** Return whether the server never accepted the connection. */
export function isRefusal({ code }: End): boolean {
  return code < 1000;
}

/** Why a request beside the stream has no answer. */
export class RequestError extends Error {
  /** The server's Retry-After; 0 without one. */
  readonly retryAfterSeconds: number;
  readonly requiresLogin: boolean;

  constructor(reason: string, retryAfterSeconds = 0, requiresLogin = false) {
    super(reason);
    this.retryAfterSeconds = retryAfterSeconds;
    this.requiresLogin = requiresLogin;
  }
}
