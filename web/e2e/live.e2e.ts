/** The page against the real program on this host: it lives, says when it does not, and comes back. */
import { spawn, type ChildProcess } from "node:child_process";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { GUARD_MS, openBrowser, openPage, stateIs, textOf, type Watched } from "./browser";
import { Server } from "./server";

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
beforeEach(async () => {
  server = await Server.start();
  watched = await openPage(browser, server.url);
  page = watched.page;
  await stateIs(page, "live");
});
afterEach(async () => {
  await page.context().close();
  await server.end();
  expect(watched.complaints).toEqual([]);
  expect(watched.strangers).toEqual([]);
});

/** Set on the window: gone after a reload. */
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
  it("shows this host's numbers, and they move", async () => {
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

  it("opens filled: what was sampled before the visit is there at once", async () => {
    await until(async () => (await received()) >= 5);
    const other = await openPage(browser, server.url);
    await stateIs(other.page, "live", 5000);
    const text = await textOf(other.page, "[data-testid=missed]");
    expect(Number(text.replace(/.*of /, ""))).toBeGreaterThanOrEqual(5);
    await other.page.context().close();
  });

  it("says late in silence before it says lost, and live when the server goes on", async () => {
    server.hold();
    await stateIs(page, "late");
    server.goOn();
    await stateIs(page, "live");
  });

  it("gives up a connection that is silent for ten seconds, and is live when somebody answers again", async () => {
    server.hold();
    await stateIs(page, "lost");
    server.goOn();
    await stateIs(page, "live", 2 * GUARD_MS);
    expect(await missed()).toMatch(/^0 of/); // the ring filled the hole
  });

  it("says lost when the server is killed, and is live again after a restart without a reload", async () => {
    await mark();
    await until(async () => (await received()) >= 3);
    await server.end("SIGKILL");
    await stateIs(page, "lost");
    expect(await textOf(page, "[data-testid=next-try]")).toMatch(/next try in \d+ s|trying/);
    expect(await page.title()).toMatch(/^\(lost\)/);
    // Down for long enough that what was not sampled is more than a late tick.
    await until(async () => /[4-9] s/.test(await textOf(page, "[data-testid=freshness]")));
    const { port } = server;
    server = await Server.start("--port", port);
    await stateIs(page, "live", 2 * GUARD_MS);
    expect(await marked()).toBe(true);
    await until(async () => (await page.locator(".spark .hole").count()) > 0);
  });

  it("names the end when the server shuts down in peace", async () => {
    await server.end("SIGTERM");
    await stateIs(page, "ended");
    expect(await textOf(page, "[data-testid=freshness]")).toContain("shutting down");
  });

  it("tries at once when the viewer asks for it", async () => {
    const { port } = server;
    await server.end("SIGKILL");
    // In vain for long enough that the next try by itself is seconds away.
    await until(async () => /in [3-9] s/.test(await textOf(page, "[data-testid=next-try]")));
    const tried = page.waitForEvent("websocket", { timeout: 1500 });
    await page.getByRole("button", { name: "try now" }).click();
    await tried;
    server = await Server.start("--port", port);
    await stateIs(page, "live");
  });

  it("shows the same numbers as /api/v1/sample", async () => {
    const { memory, load } = await server.json<{
      memory: { total_bytes: number };
      load: { avg15: number };
    }>("api/v1/sample");
    const gib = (memory.total_bytes / 2 ** 30).toFixed(1);
    expect(await textOf(page, "[data-focus=memory] .aside")).toMatch(new RegExp(`of ${gib} GiB`));
    expect(await textOf(page, "[data-focus=load] .also + .also")).toBe(load.avg15.toFixed(2));
  });

  it("puts a hog at the top of the process table", async () => {
    await until(async () => (await page.locator("[data-pid]").count()) > 0);
    const hog: ChildProcess = spawn(process.execPath, ["-e", "for (;;) {}"], { stdio: "ignore" });
    try {
      const pid = String(hog.pid);
      await until(async () => {
        const top = await page
          .locator("[data-pid]")
          .evaluateAll((rows) => rows.slice(0, 3).map((row) => row.getAttribute("data-pid")));
        return top.includes(pid);
      });
    } finally {
      hog.kill("SIGKILL");
    }
  });

  it("asks for processes only while their table can be seen", async () => {
    interface Clients {
      clients: { sections: string[] | null }[];
    }
    const watching = async () => {
      const { clients } = await server.json<Clients>("api/v1/clients");
      return clients.some(({ sections }) => sections?.includes("processes") === true);
    };
    await until(watching);
    await page.setViewportSize({ width: 390, height: 500 }); // a phone: the table is far below
    await until(async () => !(await watching()));
    await page.locator(".procs").scrollIntoViewIfNeeded();
    await until(watching);
  });
});
