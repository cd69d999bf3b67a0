/** Light and lasting: what the page costs by the second, and that a day of samples leaves no more behind. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { openBrowser, openPage, stateIs } from "./browser";
import { Mock } from "./mock";

const DAY = 86_400;
const BATCH = 60;
const HEAP_GROWTH_MIB = 10;
const MOST_OF_A_CORE = 0.05;

let browser: Browser;
let mock: Mock;

beforeAll(async () => {
  browser = await openBrowser();
  mock = await Mock.start();
});
afterAll(async () => {
  await browser.close();
  await mock.stop();
});

/** A socket in the page that says what `feed` tells it to, as fast as it is told. */
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
      // Viewers have nothing to say.
    }
    close(): void {
      this.readyState = 3;
    }
  }
  const say = (message: unknown): void => {
    sockets.at(-1)?.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  };
  const painted = () => new Promise((resolve) => requestAnimationFrame(resolve));
  Object.assign(window, {
    WebSocket: Fake,
    say,
    feed: async (sample: Record<string, unknown>, from: number, to: number, batch: number) => {
      for (let seq = from; seq < to; seq += batch) {
        const samples = Array.from({ length: batch }, (_, n) => ({
          ...sample,
          seq: seq + n,
          time_unix: 1_764_000_000 + seq + n,
          uptime_seconds: 5000 + seq + n,
          load: { avg1: ((seq + n) % 97) / 10 },
        }));
        say({ type: "history", samples });
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

describe("the page", () => {
  it("is no heavier after a day of samples than after an hour", async () => {
    const frames = join(import.meta.dirname, "../../tests/fixtures/frames");
    const read = (name: string) =>
      JSON.parse(readFileSync(join(frames, `${name}.json`), "utf8")) as unknown;
    const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
    const page = await context.newPage();
    await page.addInitScript(fakeSocket);
    await page.goto(mock.url);
    await page.waitForTimeout(200); // the socket's open event is a timer in the page
    await page.evaluate((hello) => {
      (window as unknown as { say: (message: unknown) => void }).say(hello);
    }, read("hello"));
    const session = await context.newCDPSession(page);
    await feed(page, read("sample"), 1, 3600);
    await stateIs(page, "live", 2000);
    const before = await heapMib(session);
    await feed(page, read("sample"), 3601, DAY);
    const after = await heapMib(session);
    console.log(`heap after an hour ${before.toFixed(1)} MiB, after a day ${after.toFixed(1)} MiB`);
    expect(after - before).toBeLessThan(HEAP_GROWTH_MIB);
    await context.close();
  }, 240_000);

  it("costs at most a twentieth of a core with everything open", async () => {
    const { page } = await openPage(browser, mock.url);
    await stateIs(page, "live", 5000);
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    const spent = async () => {
      const { metrics } = await session.send("Performance.getMetrics");
      return metrics.find(({ name }) => name === "TaskDuration")?.value ?? NaN;
    };
    const seconds = 20;
    const before = await spent();
    await page.waitForTimeout(seconds * 1000); // the measure is what a span of time costs
    const share = ((await spent()) - before) / seconds;
    console.log(`the page's main thread: ${(share * 100).toFixed(1)} % of a core`);
    expect(share).toBeLessThan(MOST_OF_A_CORE);
    await page.context().close();
  });

  it("draws its first chart, ten minutes whole, within a second of navigation", async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
    const page = await context.newPage();
    // In the page, since looking from outside costs more than what is measured. Charts are drawn in
    // the commit that turns the badge.
    await page.addInitScript(() => {
      const observer = new MutationObserver(() => {
        if (document.querySelector("[data-testid=freshness][data-state=live]") === null) return;
        observer.disconnect();
        (window as unknown as { liveMs: number }).liveMs = performance.now();
      });
      observer.observe(document, { subtree: true, childList: true, attributes: true });
    });
    await page.goto(mock.url);
    await stateIs(page, "live", 5000);
    const ms = await page.evaluate(() => (window as unknown as { liveMs: number }).liveMs);
    console.log(`first chart with data after ${ms.toFixed(0)} ms`);
    expect(ms).toBeLessThan(1000);
    await context.close();
  });
});
