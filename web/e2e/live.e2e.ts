/** The page with the real program on this host: live, late, lost, ended, and live again. */
import { spawn, type ChildProcess } from "node:child_process";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import {
  GUARD_MS,
  NO_SERVER,
  openBrowser,
  openPage,
  stateIs,
  textOf,
  type Watched,
} from "./browser";
import { lastingPort, Server } from "./server";

let browser: Browser;
let server: Server;
let watched: Watched;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
});

/**
 * One server and one page for all tests of a group, because starting them takes longer than most tests. Complaints of the
 * browser that match `expected` are no fault.
 */
function openForAll(expected?: RegExp): void {
  beforeAll(async () => {
    server = await Server.start("--port", await lastingPort());
    watched = await openPage(browser, server.url);
    page = watched.page;
  });
  beforeEach(() => stateIs(page, "live"));
  afterEach(() => {
    expect(watched.complaints.splice(0).filter((text) => !expected?.test(text))).toEqual([]);
    expect(watched.foreignRequests).toEqual([]);
  });
  afterAll(async () => {
    await page.context().close();
    await server.end();
  });
}

/** A mark on the window is lost by a reload. */
const mark = () =>
  page.evaluate(() => {
    (window as unknown as { mark: number }).mark = 1;
  });
const marked = () => page.evaluate(() => (window as unknown as { mark?: number }).mark === 1);
const missed = () => textOf(page, "[data-testid=missed]");
const received = async () => Number((await missed()).replace(/.*of /, "").replace(/\D/g, ""));

async function until(what: () => Promise<boolean>): Promise<void> {
  await expect.poll(what, { timeout: GUARD_MS, interval: 100 }).toBe(true);
}

describe("the page on this host", () => {
  openForAll();

  it("shows the numbers of this host, and new ones each second", async () => {
    const hello = await server.json<{ host: string; memory: { total_bytes: number } }>(
      "api/v1/sample",
    );
    expect(hello.host).not.toBe("");
    expect(await textOf(page, "[data-testid=host]")).not.toBe("–");
    const before = await received();
    await until(async () => (await received()) >= before + 3);
    expect(await missed()).toMatch(/^0 of/);
    await until(async () => /^\d/.test(await textOf(page, "[data-testid=cpu]")));
  });

  it("has the samples that were taken before it was opened", async () => {
    await until(async () => (await received()) >= 5);
    const other = await openPage(browser, server.url);
    await stateIs(other.page, "live");
    const path = other.page.locator("[data-focus=memory] .spark svg path");
    await until(async () => ((await path.getAttribute("d")) ?? "").split("L").length >= 5);
    await other.page.context().close();
  });

  it("shows the same numbers as /api/v1/sample", async () => {
    interface Sample {
      memory: { total_bytes: number };
      load: { avg15: number };
    }
    // The page may be one sample behind or ahead.
    await until(async () => {
      const { memory, load } = await server.json<Sample>("api/v1/sample");
      const total = await textOf(page, "[data-focus=memory] .aside");
      const avg15 = await textOf(page, "[data-focus=load] .minor + .minor");
      const gib = (memory.total_bytes / 2 ** 30).toFixed(1);
      return total.includes(`of ${gib} GiB`) && avg15 === load.avg15.toFixed(2);
    });
  });

  it("shows a process that uses a whole core at the top of the table", async () => {
    await until(async () => (await page.locator("[data-pid]").count()) > 0);
    const busy: ChildProcess = spawn(process.execPath, ["-e", "for (;;) {}"], { stdio: "ignore" });
    try {
      const pid = String(busy.pid);
      // Other programs of this machine may use as much.
      await until(async () => {
        const rows = await page
          .locator("[data-pid]")
          .evaluateAll((found) =>
            found.map(
              (row) =>
                [
                  row.getAttribute("data-pid"),
                  Number(row.querySelector(".bar-cell")?.textContent),
                ] as const,
            ),
          );
        const at = rows.findIndex(([one]) => one === pid);
        const cpu = rows[at]?.[1] ?? 0;
        return (
          cpu > 5 && rows.every(([, other], place) => (place < at ? other >= cpu : other <= cpu))
        );
      });
    } finally {
      busy.kill("SIGKILL");
    }
  });

  it("asks for processes only while their table is on screen", async () => {
    interface Clients {
      clients: { sections: string[] | null }[];
    }
    const watching = async () => {
      const { clients } = await server.json<Clients>("api/v1/clients");
      return clients.some(({ sections }) => sections?.includes("processes") === true);
    };
    await until(watching);
    const size = page.viewportSize();
    await page.setViewportSize({ width: 390, height: 500 }); // a phone: the table is far below
    await until(async () => !(await watching()));
    await page.locator(".processes").scrollIntoViewIfNeeded();
    await until(watching);
    if (size !== null) await page.setViewportSize(size);
  });

  it("is late when the server is silent, and live when it continues", async () => {
    server.suspend();
    await stateIs(page, "late");
    server.resume();
    await stateIs(page, "live");
  });

  it("is lost after ten seconds of silence, and live when the server answers again", async () => {
    server.suspend();
    await stateIs(page, "lost");
    server.resume();
    await stateIs(page, "live", 2 * GUARD_MS);
    expect(await missed()).toMatch(/^0 of/); // the new connection resumed after the newest sample
  });
});

describe("the page of a server that ends", () => {
  openForAll(NO_SERVER);

  it("is lost when the server is killed, and live after its restart without a reload", async () => {
    await mark();
    await until(async () => (await received()) >= 3);
    await server.end("SIGKILL");
    await stateIs(page, "lost");
    expect(await textOf(page, "[data-testid=next-try]")).toMatch(/next try in \d+ s|trying/);
    expect(await page.title()).toMatch(/^\(lost\)/);
    // Down for long enough that the charts have a gap and not one late tick.
    await until(async () => /([4-9]|\d\d) s/.test(await textOf(page, "[data-testid=freshness]")));
    const { port } = server;
    server = await Server.start("--port", port);
    await stateIs(page, "live", 2 * GUARD_MS);
    expect(await marked()).toBe(true);
    await until(async () => (await page.locator(".spark .gap").count()) > 0);
  });

  it("tries at once when the viewer presses the button", async () => {
    const { port } = server;
    await server.end("SIGKILL");
    await until(async () => {
      // After some tries, the next planned one is seconds away.
      const planned = page.locator("[data-testid=next-try]", { hasText: /in [4-9] s/ });
      const text = (await planned.textContent({ timeout: GUARD_MS })) ?? "";
      const readAt = performance.now();
      const tried = page.waitForEvent("websocket", { timeout: GUARD_MS });
      await page.getByRole("button", { name: "try now" }).click();
      await tried;
      // Else the machine is so slow that it may have been the planned one.
      const seconds = Number(/in (\d) s/.exec(text)?.[1]) - 1;
      return performance.now() - readAt < seconds * 1000;
    });
    server = await Server.start("--port", port);
    await stateIs(page, "live");
  });

  it("shows that the server is shutting down", async () => {
    // Only until the next try fails, and a locator is evaluated every half second only.
    await page.evaluate(() => {
      const shown: string[] = ((window as unknown as { shown: string[] }).shown = []);
      const record = () => shown.push(document.body.textContent);
      const what = { subtree: true, childList: true, characterData: true };
      new MutationObserver(record).observe(document.body, what);
    });
    await server.end("SIGTERM");
    await page.waitForFunction(
      () =>
        (window as unknown as { shown: string[] }).shown.some((text) =>
          text.includes("shutting down"),
        ),
      null,
      { timeout: GUARD_MS },
    );
  });
});
