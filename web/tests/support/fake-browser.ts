/** A browser in the hands of the test: answers what it is told to, and counts its reloads. */
import { vi } from "vitest";

import type { Browser } from "../../src/stream/refusal";

/** The head and the words of an answer; a page cannot make one of a redirect, so it is drawn. */
export function answer(status: number, body = ""): Response {
  if (status !== 303) return new Response(status === 204 ? null : body, { status });
  return { type: "opaqueredirect", status: 0, ok: false } as Response;
}

/** As fetch fails for whatever reason: nobody there, no name, cut off. */
export function noAnswer(): Promise<Response> {
  return Promise.reject(new TypeError("Failed to fetch"));
}

export function fakeBrowser() {
  return {
    fetch: vi.fn<Browser["fetch"]>(noAnswer),
    reload: vi.fn<Browser["reload"]>(),
    reloaded: vi.fn<Browser["reloaded"]>(() => false),
  };
}
