/**
 * Sends hours of samples, processes and alerts to the page within seconds, interrupts its connections now and then, and
 * measures its heap. For a test and for scripts/measure-page.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, CDPSession, Page } from "playwright-core";

const HOUR = 3600;
const BATCH = 240;
const INTERRUPTIONS = 6;
/** In samples: how often the processes and the alerts arrive. */
const PROCESSES_EVERY = 4;
const ALERTS_EVERY = 60;

interface Messages {
  readonly hello: object;
  readonly sample: object;
  readonly processes: { readonly processes: { readonly top: readonly object[] } };
}

interface Fed extends Messages {
  readonly from: number;
  readonly to: number;
  readonly batch: number;
  readonly processesEvery: number;
  readonly alertsEvery: number;
}

interface FakeHost {
  readonly feed: (fed: Fed) => Promise<void>;
  readonly connect: (hello: object) => Promise<void>;
  readonly interrupt: () => void;
}

/** Runs in the page: WebSockets that receive the messages of `feed`, as fast as the page can paint. */
function fakeSocket(): void {
  interface Socket extends EventTarget {
    readyState: number;
  }
  /** The newest connection for the stream, and that for on-demand sections. */
  const open: { stream?: Socket; side?: Socket } = {};
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
      open[url.includes("sections=") ? "side" : "stream"] = this;
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
  const receive = (socket: Socket | undefined, message: unknown): void => {
    if (socket?.readyState !== 1) return;
    socket.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  };
  const painted = () => new Promise((resolve) => requestAnimationFrame(resolve));
  /** Other processes with each message, and an alert that begins and ends. */
  const processesAt = (seq: number, { processes }: Fed) => ({
    ...processes,
    processes: {
      ...processes.processes,
      top: processes.processes.top.map((row, at) => ({ ...row, pid: seq + at, name: `p${seq}` })),
    },
  });
  const alertsAt = (seq: number, { alertsEvery }: Fed) => ({
    type: "alerts",
    time_unix: 1_764_000_000 + seq,
    omitted_alerts: 0,
    alerts:
      (seq / alertsEvery) % 2 === 0
        ? []
        : [
            {
              ...{ rule: "filesystem_full", state: "firing", severity: "warning" },
              ...{ section: "filesystems", fields: ["filesystems.used_percent"] },
              ...{ labels: { mountpoint: `/srv/${seq}` }, values: {}, known: true },
              ...{ since_unix: 1_764_000_000 + seq, text: `/srv/${seq} is 91 % full` },
            },
          ],
  });
  const host: FakeHost = {
    connect: async (hello) => {
      while (open.stream?.readyState !== 1) await painted();
      receive(open.stream, hello);
      while (open.side?.readyState !== 1) await painted();
      receive(open.side, hello);
    },
    interrupt: () => {
      for (const socket of [open.side, open.stream]) {
        if (socket === undefined) continue;
        socket.readyState = 3;
        socket.dispatchEvent(Object.assign(new Event("close"), { code: 1006 }));
      }
    },
    feed: async (fed) => {
      const { sample, from, to, batch, processesEvery, alertsEvery } = fed;
      for (let seq = from; seq < to; seq += batch) {
        for (let n = seq; n < Math.min(to, seq + batch); n += 1) {
          const head = { seq: n, time_unix: 1_764_000_000 + n, uptime_seconds: 5000 + n };
          receive(open.stream, { ...sample, ...head, load: { avg1: (n % 97) / 10 } });
          if (n % processesEvery === 0) receive(open.side, { ...processesAt(n, fed), ...head });
          if (n % alertsEvery === 0) receive(open.stream, alertsAt(n, fed));
        }
        await painted();
      }
    },
  };
  Object.assign(window, { WebSocket: Fake, host });
}

async function heapMib(session: CDPSession): Promise<number> {
  for (let turn = 0; turn < 3; turn += 1) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize / 2 ** 20;
}

async function feed(page: Page, messages: Messages, from: number, to: number): Promise<void> {
  const rates = { batch: BATCH, processesEvery: PROCESSES_EVERY, alertsEvery: ALERTS_EVERY };
  await page.evaluate(
    async (fed) => {
      const { host } = window as unknown as { host: FakeHost };
      await host.feed(fed);
    },
    { ...messages, ...rates, from, to },
  );
}

async function connect(page: Page, { hello }: Messages): Promise<void> {
  await page.evaluate(async (message) => {
    const { host } = window as unknown as { host: FakeHost };
    await host.connect(message);
  }, hello);
}

async function interrupt(page: Page): Promise<void> {
  await page.evaluate(() => {
    (window as unknown as { host: FakeHost }).host.interrupt();
  });
}

/** Else the heap would not grow, whatever the page keeps. The page is late soon after the last sample, so its state is no proof. */
async function hasArrived(page: Page, end: number): Promise<void> {
  await page.locator(".processes", { hasText: `p${end - PROCESSES_EVERY}` }).waitFor();
}

/** The heap of the page at `url` in MiB, after an hour of samples and after that many hours of them. */
export async function heapAfter(
  hours: number,
  browser: Browser,
  url: string,
): Promise<{ hourMib: number; endMib: number }> {
  const frames = join(import.meta.dirname, "../../tests/fixtures/frames");
  const read = (name: string) =>
    JSON.parse(readFileSync(join(frames, `${name}.json`), "utf8")) as unknown;
  const messages = {
    hello: read("hello"),
    sample: read("sample"),
    processes: read("sample-processes"),
  } as Messages;
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  await page.addInitScript(fakeSocket);
  await page.goto(url);
  await connect(page, messages);
  const session = await context.newCDPSession(page);
  await feed(page, messages, 1, HOUR);
  await hasArrived(page, HOUR);
  const hourMib = await heapMib(session);
  const end = hours * HOUR;
  const part = Math.ceil((end - HOUR) / INTERRUPTIONS);
  for (let from = HOUR; from < end; from += part) {
    await interrupt(page);
    await connect(page, messages);
    await feed(page, messages, from, Math.min(end, from + part));
  }
  await hasArrived(page, end);
  const endMib = await heapMib(session);
  await context.close();
  return { hourMib, endMib };
}
