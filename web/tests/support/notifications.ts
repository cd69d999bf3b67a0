/** The notifications and the locks of a browser, as the code that notifies uses them. */
import { afterEach, beforeEach, vi } from "vitest";

type Work<T> = (lock: object | null) => Promise<T> | T;
type Options = { readonly signal?: AbortSignal; readonly ifAvailable?: boolean };

export const browser = {
  /** The notifications that were shown. */
  shown: [] as string[],
  permission: "default",
  /** The names of locks that a tab has. */
  held: new Set<string>(),
};
/** Those that wait for a lock, by its name. */
let waiting: { readonly name: string; readonly work: () => Promise<unknown> }[] = [];

export class FakeNotification {
  static get permission() {
    return browser.permission;
  }
  static requestPermission = vi.fn(() => {
    browser.permission = "granted";
    return Promise.resolve(browser.permission);
  });
  constructor(title: string, { body }: { body: string }) {
    browser.shown.push(`${title}: ${body}`);
  }
  close = () => undefined;
}

function next(name: string): void {
  const at = waiting.findIndex((one) => one.name === name);
  const [one] = at === -1 || browser.held.has(name) ? [] : waiting.splice(at, 1);
  if (one === undefined) return;
  browser.held.add(name);
  void one.work().then(() => {
    browser.held.delete(name);
    next(name);
  });
}

/** As those of the browser: one holder at a time, and the others wait. */
const locks = {
  request: async <T>(name: string, { signal, ifAvailable }: Options, work: Work<T>) => {
    if (ifAvailable === true) return work(browser.held.has(name) ? null : {});
    waiting.push({
      name,
      work: async () => (signal?.aborted === true ? undefined : work({})),
    });
    next(name);
    return undefined;
  },
};

/** Give each test such a browser. */
export function installNotifications(): void {
  beforeEach(() => {
    Object.assign(browser, { shown: [], permission: "default", held: new Set<string>() });
    waiting = [];
    localStorage.clear();
    vi.stubGlobal("Notification", FakeNotification);
    vi.stubGlobal("isSecureContext", true);
    Object.defineProperty(navigator, "locks", { value: locks, configurable: true });
  });
  afterEach(() => {
    Reflect.deleteProperty(navigator, "locks");
    vi.unstubAllGlobals();
    vi.clearAllMocks();
  });
}
