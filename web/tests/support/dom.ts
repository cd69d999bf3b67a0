/** What a page needs of a browser and jsdom does not have: sizes never change, all is on screen. */
import { vi } from "vitest";

export function installDom(): void {
  class Observer {
    readonly #seen: (entries: { isIntersecting: boolean }[]) => void;
    constructor(seen: (entries: { isIntersecting: boolean }[]) => void) {
      this.#seen = seen;
    }
    observe(): void {
      this.#seen([{ isIntersecting: true }]);
    }
    disconnect(): void {
      // Nothing is held.
    }
  }
  vi.stubGlobal("IntersectionObserver", Observer);
  vi.stubGlobal("ResizeObserver", Observer);
  vi.stubGlobal("matchMedia", () => ({
    matches: false,
    addEventListener: vi.fn(),
    removeEventListener: vi.fn(),
  }));
}
