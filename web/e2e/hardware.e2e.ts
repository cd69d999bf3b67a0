/** How the page looks with other hosts: with more or less hardware, a failed source, spikes, the longest names and values. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { GUARD_MS, openBrowser, shoot, violations } from "./browser";
import { Model, overflow } from "./model";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
});

/** The texts of the numbers in tables that are wider than their cells. */
const cutValues = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll(".panels td.right")]
      .filter((cell) => cell.scrollWidth > cell.clientWidth)
      .map((cell) => cell.textContent),
  );

describe("the longest names and values", () => {
  let model: Model;
  beforeAll(async () => {
    model = await Model.start(browser, "longest");
  });
  afterAll(() => model.stop());

  const widths = [320, 390, 768, 1200, 1440, 3440];
  it.each([16, 24].flatMap((font) => widths.map((width) => [width, font] as const)))(
    "fit %s px with a font of %s px",
    async (width, font) => {
      const { page } = model;
      await model.take({ size: [width, 1000], font });
      const size = await page.evaluate(() => getComputedStyle(document.documentElement).fontSize);
      expect(Number.parseFloat(size)).toBeGreaterThanOrEqual(font);
      const found = async () => [await overflow(page), await cutValues(page)];
      await expect.poll(found, { timeout: GUARD_MS }).toEqual([0, []]);
    },
  );

  it("have no violation", async () => {
    await model.take({ size: [1440, 1000] });
    expect(await violations(model.page)).toEqual([]);
  });
});

describe("a host", () => {
  it.each([["psi,heat,swap"], ["many"]])(
    "with %s is shown without empty places",
    async (twists) => {
      const model = await Model.start(browser, ...twists.split(","));
      const { page } = model;
      await model.take({ size: [1440, 1000] });
      await shoot(page, `host-${twists.replaceAll(",", "-")}`, true);
      if (twists === "many") {
        expect(await page.locator(".disks [data-row]").count()).toBe(50);
      } else {
        expect(await page.locator("[data-focus=heat]").count()).toBe(0);
        expect(await page.getByText("Pressure").count()).toBe(0);
        expect(await page.locator("[data-focus=memory] .details").textContent()).toContain("none");
      }
      expect(await violations(page, ".panels")).toEqual([]);
      await model.stop();
    },
  );

  it("with a source that fails for a long reason shows all of it, and no tile moves", async () => {
    const model = await Model.start(browser, "failed");
    const { page } = model;
    for (const size of [
      [1440, 1000],
      [390, 844],
    ] as const) {
      await model.take({ size });
      const found = await page.evaluate(() => {
        const tile = document.querySelector("[data-focus=memory]");
        const cause = tile?.querySelector(".cause");
        const place = (element: Element | null | undefined) => element?.getBoundingClientRect();
        return {
          hidden: (cause?.scrollHeight ?? NaN) - (cause?.clientHeight ?? NaN),
          lines: Math.round(
            (cause?.clientHeight ?? 0) / (tile?.querySelector(".details")?.clientHeight ?? 1),
          ),
          above: (place(cause)?.top ?? 0) - (place(tile?.querySelector(".numeral"))?.bottom ?? 0),
          tops: ["cpu", "memory"].map(
            (name) => place(document.querySelector(`[data-focus=${name}] .details`))?.top,
          ),
        };
      });
      expect(found.hidden).toBe(0);
      expect(found.lines).toBeGreaterThan(1);
      expect(found.above).toBeGreaterThan(0);
      expect(new Set(found.tops).size).toBe(1);
      await shoot(page, `host-failed-${size[0]}`);
      expect(await overflow(page)).toBe(0);
      expect(await violations(page, ".tiles")).toEqual([]);
    }
    await model.stop();
  });

  it("with every kind of hardware shows a panel of each, on any screen", async () => {
    const model = await Model.start(browser, "hardware");
    const { page } = model;
    const titles = ["Power", "GPUs", "Storage health", "Containers", "Units"];
    for (const size of [
      [1440, 1000],
      [390, 844],
    ] as const) {
      await model.take({ size });
      for (const title of titles)
        await page.locator(`[data-panel="${title}"]`).waitFor({ timeout: GUARD_MS });
      await shoot(page, `host-hardware-${size[0]}`, true);
      expect(await overflow(page)).toBe(0);
      expect(await violations(page)).toEqual([]);
    }
    await model.stop();
  });

  it("with short rises of a value labels the highest ones, with the processes of that moment", async () => {
    const model = await Model.start(browser, "spikes");
    const { page } = model;
    await model.take({ size: [1440, 1000], query: "?window=60" });
    const summary = page.locator("#chart-cpu-summary");
    await summary
      .getByText(/spikes: \d+ % at \d\d:\d\d:\d\d, restic backup.* \d+ %, postgres/)
      .waitFor({ state: "attached", timeout: GUARD_MS });
    await shoot(page, "spikes");
    await model.stop();
  });
});
