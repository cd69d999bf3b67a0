/** What the page needs of a browser and jsdom does not have. Sizes never change, and everything is on screen. */
import { vi } from "vitest";

export function installDom(): void {
  class Observer {
    readonly #listener: (entries: { isIntersecting: boolean }[]) => void;
    constructor(listener: (entries: { isIntersecting: boolean }[]) => void) {
      this.#listener = listener;
    }
    observe(): void {
      this.#listener([{ isIntersecting: true }]);
    }
    disconnect(): void {
      // Nothing to release.
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

/** Dialogs, which jsdom does not open. */
export function installDialogs(): void {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
  };
  HTMLElement.prototype.scrollIntoView = () => undefined;
}
