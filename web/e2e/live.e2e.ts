/** The page with the real program on this host: live, late, lost, ended, and live again. */
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
  expect(watched.foreignRequests).toEqual([]);
});

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
    await stateIs(other.page, "live", 5000);
    const path = other.page.locator("[data-focus=memory] .spark svg path");
    await until(async () => ((await path.getAttribute("d")) ?? "").split("L").length >= 5);
    await other.page.context().close();
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

  it("is lost when the server is killed, and live after its restart without a reload", async () => {
    await mark();
    await until(async () => (await received()) >= 3);
    await server.end("SIGKILL");
    await stateIs(page, "lost");
    expect(await textOf(page, "[data-testid=next-try]")).toMatch(/next try in \d+ s|trying/);
    expect(await page.title()).toMatch(/^\(lost\)/);
    // Down for long enough that the charts have a gap and not one late tick.
    await until(async () => /[4-9] s/.test(await textOf(page, "[data-testid=freshness]")));
    const { port } = server;
    server = await Server.start("--port", port);
    await stateIs(page, "live", 2 * GUARD_MS);
    expect(await marked()).toBe(true);
    await until(async () => (await page.locator(".spark .gap").count()) > 0);
  });

  it("shows that the server is shutting down", async () => {
    await server.end("SIGTERM");
    // Only until the next try fails, which is soon.
    await until(async () =>
      (await textOf(page, "[data-testid=freshness]")).includes("shutting down"),
    );
  });

  it("tries at once when the viewer presses the button", async () => {
    const { port } = server;
    await server.end("SIGKILL");
    // After some tries, the next planned one is seconds away.
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
    expect(await textOf(page, "[data-focus=load] .minor + .minor")).toBe(load.avg15.toFixed(2));
  });

  it("shows a process that uses a whole core at the top of the table", async () => {
    await until(async () => (await page.locator("[data-pid]").count()) > 0);
    const busy: ChildProcess = spawn(process.execPath, ["-e", "for (;;) {}"], { stdio: "ignore" });
    try {
      const pid = String(busy.pid);
      await until(async () => {
        const top = await page
          .locator("[data-pid]")
          .evaluateAll((rows) => rows.slice(0, 3).map((row) => row.getAttribute("data-pid")));
        return top.includes(pid);
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
    await page.setViewportSize({ width: 390, height: 500 }); // a phone: the table is far below
    await until(async () => !(await watching()));
    await page.locator(".processes").scrollIntoViewIfNeeded();
    await until(watching);
  });
});
