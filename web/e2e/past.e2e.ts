/** The samples of the past with the real server, over a slow line: when they come, and that none is missing. */
import { readFileSync } from "node:fs";

import type { Browser, Page, Request } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { GUARD_MS, openBrowser, openPage, stateIs, textOf } from "./browser";
import { Invented } from "./invented";
import { SlowLine } from "./slow-line";

const FAST = 10_000_000;
/** Slow enough that loading takes a moment: ten minutes are 250 KB. */
const SLOW = 100_000;

let browser: Browser;
let host: Invented;
let line: SlowLine;
let page: Page;
let complaints: string[];
/** The queries of the requests for the past. */
let asked: URLSearchParams[];

beforeAll(async () => {
  [browser, host] = await Promise.all([openBrowser(), Invented.start()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), host.end()]);
});
beforeEach(async () => {
  line = await SlowLine.start(host.port, FAST);
});
afterEach(async () => {
  await page.context().close();
  line.close();
});

const isPast = (request: Request): boolean => request.url().includes("/api/v1/history");

/** Opens the page, and makes the line slow before the first sample of the past. */
async function open(): Promise<void> {
  asked = [];
  const opened = await openPage(browser, "about:blank");
  ({ page, complaints } = opened);
  page.on("request", (request) => {
    if (!isPast(request)) return;
    line.bytesPerSecond = SLOW;
    asked.push(new URL(request.url()).searchParams);
  });
  await page.goto(`${line.url}?window=600`);
  await stateIs(page, "live");
}

const points = async (): Promise<number> => {
  const path = page.locator("[data-focus=cpu] .spark svg path").last();
  return ((await path.getAttribute("d", { timeout: GUARD_MS })) ?? "").match(/[ML]/g)?.length ?? 0;
};
const gaps = () => page.locator("[data-focus=cpu] .spark .gap").count();
const complete = async (count: number) => {
  await expect.poll(points, { timeout: 2 * GUARD_MS }).toBeGreaterThanOrEqual(count);
  await expect.poll(gaps, { timeout: GUARD_MS }).toBe(0);
};

/** The times of the window on screen, as the page saves them. */
async function times(): Promise<number[]> {
  const [saved] = await Promise.all([
    page.waitForEvent("download", { timeout: GUARD_MS }),
    page.getByRole("button", { name: "JSON" }).click(),
  ]);
  const file = readFileSync(await saved.path(), "utf8");
  const { time_unix, known } = JSON.parse(file) as { time_unix: number[]; known: boolean[] };
  expect(known.every(Boolean)).toBe(true);
  return time_unix.map(Math.round);
}

/** One sample each second, without a gap or a duplicate. */
async function expectEachSecond(count: number): Promise<void> {
  const saved = await times();
  expect(saved.length).toBeGreaterThanOrEqual(count);
  const first = saved[0] ?? 0;
  expect(saved).toEqual(saved.map((_, at) => first + at));
}

describe("the past", () => {
  it("comes after the page is live: the last minute first, then older parts", async () => {
    await open();
    await complete(590);
    expect(asked[0]?.get("seconds")).toBe("60");
    // Each part ends before the one before it began.
    const ends = asked.map((query) => Number(query.get("before")));
    expect(ends.length).toBeGreaterThan(2);
    expect(ends).toEqual([...new Set(ends)].sort((one, other) => other - one));
    expect(await textOf(page, "[data-testid=missed]")).toMatch(/^0 of/);
    await expectEachSecond(590);
    expect(complaints).toEqual([]);
  });

  it("continues after the line was cut in the middle, and the interruption is filled", async () => {
    await open();
    await expect.poll(() => asked.length, { timeout: GUARD_MS }).toBeGreaterThan(1);
    line.cut();
    await stateIs(page, "lost");
    const missed = () => textOf(page, "[data-testid=missed]");
    await expect.poll(missed, { timeout: GUARD_MS }).toMatch(/^([2-9]|\d\d+) so far/);
    line.repair();
    await stateIs(page, "live", 2 * GUARD_MS);
    await complete(590);
    expect(asked.find((query) => query.has("since"))?.has("before")).toBe(true);
    expect(await missed()).toMatch(/^0 of/);
    await expectEachSecond(590);
  });

  it("is that of the new run after a restart", async () => {
    await open();
    await complete(590);
    line.cut(); // while the server is down, another program may get its port
    await host.end();
    await stateIs(page, "lost");
    host = await Invented.start();
    line.port = host.port;
    line.repair();
    await stateIs(page, "live", 2 * GUARD_MS);
    await expect
      .poll(() => asked.at(-1)?.get("stream"), { timeout: GUARD_MS })
      .not.toBe(asked[0]?.get("stream"));
    expect(asked.at(-1)?.has("since")).toBe(false);
  });
});
