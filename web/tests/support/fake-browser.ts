/** A browser with the answers of the test. It counts its reloads. */
import { vi } from "vitest";

import type { Browser } from "../../src/stream/refusal";

/** An answer. 303 is how a page sees a redirect, which it cannot construct itself. */
export function answer(
  status: number,
  body = "",
  headers: Readonly<Record<string, string>> = {},
): Response {
  if (status !== 303) return new Response(status === 204 ? null : body, { status, headers });
  return { type: "opaqueredirect", status: 0, ok: false } as Response;
}

/** How fetch fails for any reason: no server, no such name, interrupted. */
export function noAnswer(): Promise<Response> {
  return Promise.reject(new TypeError("Failed to fetch"));
}

/** A server that never answers. The request ends when it is aborted. */
export function silence(_: string, { signal }: RequestInit): Promise<Response> {
  return new Promise((_resolve, reject) => {
    const end = (): void => {
      reject(new DOMException("aborted", "AbortError"));
    };
    if (signal?.aborted === true) end();
    else signal?.addEventListener("abort", end);
  });
}

export function fakeBrowser() {
  return {
    fetch: vi.fn<Browser["fetch"]>(noAnswer),
    reload: vi.fn<Browser["reload"]>(),
    reloaded: vi.fn<Browser["reloaded"]>(() => false),
  };
}
