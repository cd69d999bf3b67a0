/** Sends a day of samples to the page within a minute and measures its heap. For a test and for scripts/measure-page. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, CDPSession, Page } from "playwright-core";

import { stateIs } from "./browser";

const HOUR = 3600;
const DAY = 86_400;
const BATCH = 240;

/** Runs in the page: a WebSocket that receives the messages of `feed`, as fast as the page can paint. */
function fakeSocket(): void {
  const sockets: EventTarget[] = [];
  class Fake extends EventTarget {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;
    binaryType = "blob";
    readyState = 0;
    readonly url: string;
    constructor(url: string) {
      super();
      this.url = url;
      if (!url.includes("sections=")) sockets.push(this);
      setTimeout(() => {
        this.readyState = 1;
        this.dispatchEvent(new Event("open"));
      }, 0);
    }
    send(): void {
      // A viewer sends nothing.
    }
    close(): void {
      this.readyState = 3;
    }
  }
  const receive = (message: unknown): void => {
    sockets.at(-1)?.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  };
  const painted = () => new Promise((resolve) => requestAnimationFrame(resolve));
  Object.assign(window, {
    WebSocket: Fake,
    receive,
    feed: async (sample: Record<string, unknown>, from: number, to: number, batch: number) => {
      for (let seq = from; seq < to; seq += batch) {
        for (let n = seq; n < seq + batch; n += 1) {
          receive({
            ...sample,
            seq: n,
            time_unix: 1_764_000_000 + n,
            uptime_seconds: 5000 + n,
            load: { avg1: (n % 97) / 10 },
          });
        }
        await painted();
      }
    },
  });
}

async function heapMib(session: CDPSession): Promise<number> {
  for (let turn = 0; turn < 3; turn += 1) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize / 2 ** 20;
}

async function feed(page: Page, sample: unknown, from: number, to: number): Promise<void> {
  await page.evaluate(
    async ([template, first, last, batch]) => {
      const host = window as unknown as { feed: (...args: unknown[]) => Promise<void> };
      await host.feed(template, first, last, batch);
    },
    [sample, from, to, BATCH] as const,
  );
}

/** The heap of the page at `url` in MiB, after an hour of samples and after a day of them. */
export async function heapOfADay(
  browser: Browser,
  url: string,
): Promise<{ hourMib: number; dayMib: number }> {
  const frames = join(import.meta.dirname, "../../tests/fixtures/frames");
  const read = (name: string) =>
    JSON.parse(readFileSync(join(frames, `${name}.json`), "utf8")) as unknown;
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  await page.addInitScript(fakeSocket);
  await page.goto(url);
  await page.waitForTimeout(200); // the socket's open event is a timer in the page
  await page.evaluate((hello) => {
    (window as unknown as { receive: (message: unknown) => void }).receive(hello);
  }, read("hello"));
  const session = await context.newCDPSession(page);
  await feed(page, read("sample"), 1, HOUR);
  await stateIs(page, "live", 10_000);
  const hourMib = await heapMib(session);
  await feed(page, read("sample"), HOUR + 1, DAY);
  const dayMib = await heapMib(session);
  await context.close();
  return { hourMib, dayMib };
}
