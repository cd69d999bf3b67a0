/** How the page looks, at every size, in every theme and state: nothing overflows, and axe finds no violation. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { GUARD_MS, openBrowser, openPage, shoot, stateIs, violations } from "./browser";
import { Mock } from "./mock";

let browser: Browser;
let mock: Mock;
const own: Mock[] = [];

/** A mock server for one test, stopped after it. */
async function ownMock(...twists: string[]): Promise<Mock> {
  const started = await Mock.start(...twists);
  own.push(started);
  return started;
}

beforeAll(async () => {
  browser = await openBrowser();
  mock = await Mock.start();
});
afterAll(async () => {
  await browser.close();
  await mock.stop();
});

afterEach(async () => {
  await Promise.all(own.splice(0).map((host) => host.stop()));
});

/** How many pixels the content is wider than the window. */
async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

/** The texts of the numbers in tables that are wider than their cells. */
async function cutValues(page: Page): Promise<(string | null)[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll(".panels td.right")]
      .filter((cell) => cell.scrollWidth > cell.clientWidth)
      .map((cell) => cell.textContent),
  );
}

describe.each([
  ["laptop-dark", 1440, 1000, "dark", ""],
  ["laptop-light", 1440, 1000, "light", ""],
  ["small-laptop", 1280, 800, "dark", ""],
  ["tablet", 768, 1024, "light", ""],
  ["phone-dark", 390, 844, "dark", ""],
  ["phone-light", 390, 844, "light", "?focus=disk"],
  ["narrowest", 320, 640, "dark", ""],
  ["wall", 3840, 2160, "dark", "?kiosk=1"],
  ["wall-light", 1920, 1080, "light", "?kiosk=1"],
  ["large", 2560, 1440, "dark", "?focus=network&show=cpu.cores,network.interfaces"],
] as const)("%s", (name, width, height, colorScheme, query) => {
  it("fits its width, and axe finds no violation", async () => {
    const { page, complaints } = await openPage(browser, `${mock.url}${query}`, {
      viewport: { width, height },
      colorScheme,
    });
    await stateIs(page, "live");
    await page.locator(".processes").scrollIntoViewIfNeeded();
    await page.locator("[data-pid]").first().waitFor({ timeout: GUARD_MS });
    await page.evaluate(() => {
      window.scrollTo(0, 0);
    });
    await shoot(page, name, width < 1200);
    expect(await overflow(page)).toBe(0);
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

describe.each([
  ["a laptop", 1440, 1000],
  ["a desktop", 1920, 1080],
  ["a wide desktop", 3440, 1440],
])("on %s", (_, width, height) => {
  it("the page fits without scrolling", async () => {
    const { page } = await openPage(browser, mock.url, { viewport: { width, height } });
    await stateIs(page, "live");
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBe(height);
    await page.context().close();
  });
});

describe("the longest names and values", () => {
  it.each([320, 390, 768, 1200, 1440, 3440])("fit %s px, also at 24 px", async (width) => {
    const host = await ownMock("longest");
    const { page } = await openPage(browser, host.url);
    const session = await page.context().newCDPSession(page);
    for (const standard of [16, 24]) {
      await session.send("Page.setFontSizes", { fontSizes: { standard } });
      await page.setViewportSize({ width, height: 1000 });
      await page.reload();
      await stateIs(page, "live");
      const size = await page.evaluate(() => getComputedStyle(document.documentElement).fontSize);
      expect(Number.parseFloat(size)).toBeGreaterThanOrEqual(standard);
      expect([standard, await overflow(page), await cutValues(page)]).toEqual([standard, 0, []]);
    }
    await page.context().close();
  });
});

describe("a page", () => {
  it.each([
    [4008, "too slow"],
    [1001, "shutting down"],
    [1008, "not allowed"],
  ])("that was ended with %s shows %s, and axe finds no violation", async (code, reason) => {
    const host = await ownMock();
    const { page } = await openPage(browser, host.url);
    await stateIs(page, "live");
    await host.endViewers(code);
    // One wait for both, because the page may be live again soon.
    await page
      .locator("[data-testid=freshness][data-state=ended]", { hasText: reason })
      .waitFor({ timeout: GUARD_MS });
    expect(await violations(page)).toEqual([]);
    await shoot(page, `ended-${code}`);
    if (code === 1008) {
      await page.getByRole("button", { name: "reconnect" }).click();
    }
    await stateIs(page, "live");
    await page.context().close();
  });

  it("that is lost shows the age of its values, and axe finds no violation", async () => {
    const host = await ownMock();
    const { page } = await openPage(browser, host.url);
    await stateIs(page, "live");
    await host.stop();
    await stateIs(page, "lost");
    await page.locator(".tile .aside", { hasText: "4 s old" }).first().waitFor({ timeout: 10_000 });
    await shoot(page, "lost-dark");
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });
});

describe("a host", () => {
  it.each([["psi,heat,swap"], ["many"]])(
    "with %s is shown without empty places",
    async (twists) => {
      const host = await ownMock(...twists.split(","));
      const { page, complaints } = await openPage(browser, host.url);
      await stateIs(page, "live");
      await shoot(page, `host-${twists.replaceAll(",", "-")}`, true);
      if (twists === "many") {
        expect(await page.locator(".disks [data-row]").count()).toBe(50);
      } else {
        expect(await page.locator("[data-focus=heat]").count()).toBe(0);
        expect(await page.getByText("Pressure").count()).toBe(0);
        expect(await page.locator("[data-focus=memory] .details").textContent()).toContain("none");
      }
      expect(complaints).toEqual([]);
      await page.context().close();
    },
  );
});
