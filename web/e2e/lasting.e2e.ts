/** The page over time: memory after hours of samples, and no drawing in a hidden tab. scripts/measure-page has the speed. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { GUARD_MS, hide, openBrowser, openPage, show, stateIs } from "./browser";
import { heapAfter } from "./heap";
import { Mock } from "./mock";

const HOURS = 5;
/** Compiled code grows for hours, by 0.1 MiB each. If every sample left 40 bytes behind, this would be exceeded. */
const HEAP_GROWTH_MIB = 1;

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

/** Runs in the page: counts how often a canvas is cleared and how often an SVG changes. */
function countDraws(): void {
  const counts = { canvas: 0, svg: 0 };
  const prototype = CanvasRenderingContext2D.prototype;
  const clear: unknown = Reflect.get(prototype, "clearRect");
  prototype.clearRect = function (...args) {
    counts.canvas += 1;
    (clear as typeof prototype.clearRect).apply(this, args);
  };
  const observer = new MutationObserver((changes) => {
    counts.svg += changes.filter(({ target }) => target instanceof SVGElement).length;
  });
  document.addEventListener("DOMContentLoaded", () => {
    observer.observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
  });
  Object.assign(window, { counts });
}

describe("the page", () => {
  it("uses no more memory after five hours of samples than after one", async () => {
    const { hourMib, endMib } = await heapAfter(HOURS, browser, mock.url);
    expect(endMib - hourMib).toBeLessThan(HEAP_GROWTH_MIB);
  }, 120_000);

  it("draws its first chart", async () => {
    const { page } = await openPage(browser, mock.url);
    await stateIs(page, "live");
    const painted = () =>
      page
        .locator("[data-chart] canvas")
        .first()
        .evaluate((canvas) => {
          const { width, height } = canvas as HTMLCanvasElement;
          const brush = (canvas as HTMLCanvasElement).getContext("2d");
          return brush?.getImageData(0, 0, width, height).data.some((byte) => byte !== 0) ?? false;
        });
    await expect.poll(painted, { timeout: GUARD_MS }).toBe(true);
    await page.context().close();
  });

  it("draws nothing while its tab is hidden, and continues when it is shown again", async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
    const page = await context.newPage();
    await page.addInitScript(countDraws);
    const socket = page.waitForEvent("websocket");
    await page.goto(mock.url);
    const counts = () =>
      page.evaluate(() => ({
        ...(window as unknown as { counts: Record<"canvas" | "svg", number> }).counts,
      }));
    await stateIs(page, "live");
    const arrived = async () => (await socket).waitForEvent("framereceived", { timeout: GUARD_MS });
    await hide(page);
    await arrived(); // by then, a drawing that had begun is finished
    const before = await counts();
    for (let n = 0; n < 3; n += 1) await arrived();
    expect(await counts()).toEqual(before);
    expect(before.canvas).toBeGreaterThan(0);
    expect(before.svg).toBeGreaterThan(0);
    await show(page);
    await expect
      .poll(async () => (await counts()).canvas, { timeout: GUARD_MS })
      .toBeGreaterThan(before.canvas);
    await context.close();
  });
});
