/** Why a connection ended, or never came about: the server's own reasons, in the words of the page. */
export interface End {
  /** Of the close frame; below 1000, where close codes begin (RFC 6455 §7.4.2), the status of HTTP. */
  readonly code: number;
  /** Stands in the badge: `ended: too slow`, `refused`. Null when nobody said why. */
  readonly name: string | null;
  readonly why: string;
  /** Whether trying again by itself makes sense. */
  readonly retry: boolean;
}

const NAMED: Readonly<Record<number, Omit<End, "code">>> = {
  1001: { name: "shutting down", why: "the server is going away", retry: true },
  1008: { name: "not allowed", why: "the server does not accept this viewer", retry: false },
  1009: { name: "too big", why: "this viewer sent too large a message", retry: true },
  4008: { name: "too slow", why: "this viewer took nothing for 10 s", retry: true },
};

export function endOf(code: number): End {
  const named = NAMED[code];
  if (named !== undefined) return { code, ...named };
  return { code, name: null, why: "the connection broke", retry: true };
}

/** The server's answer to a handshake, in its own words. */
export function refusedWith(status: number, why: string): End {
  return { code: status, name: "refused", why, retry: true };
}

/** Whether a named end is an answer of HTTP: nothing was there yet that could have ended. */
export function isRefusal({ code }: End): boolean {
  return code < 1000;
}
