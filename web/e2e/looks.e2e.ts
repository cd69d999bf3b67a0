/** How the page looks, at every size, in every theme and state: nothing overflows, and axe finds no violation. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { frames, GUARD_MS, openBrowser, shoot, stateIs, violations } from "./browser";
import { type Look, Model, overflow } from "./model";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
});

const NETWORK = "?focus=network&show=cpu.cores,network.interfaces";
const LOOKS: readonly Look[] = [
  { name: "laptop-dark", size: [1440, 1000] },
  { name: "laptop-light", size: [1440, 1000], scheme: "light" },
  { name: "forced-colours", size: [1440, 1000], forcedColours: true },
  { name: "small-laptop", size: [1280, 800] },
  { name: "tablet", size: [768, 1024], scheme: "light" },
  { name: "phone-dark", size: [390, 844] },
  { name: "narrowest", size: [320, 640] },
  { name: "desktop", size: [1920, 1080] },
  { name: "widest", size: [3440, 1440], scheme: "light" },
  // A browser zooms by giving the page fewer pixels.
  { name: "zoom-200", size: [720, 500] },
  { name: "zoom-400", size: [360, 250] },
  { name: "large-font", size: [1440, 1000], font: 24 },
  { name: "large-font-phone", size: [390, 844], font: 24 },
  { name: "phone-light", size: [390, 844], scheme: "light", query: "?focus=disk" },
  { name: "statistics", size: [1440, 1000], query: "?statistics=1" },
  { name: "statistics-phone", size: [320, 640], query: "?statistics=1" },
  { name: "large", size: [2560, 1440], query: NETWORK },
  { name: "wall", size: [3840, 2160], query: "?kiosk=1" },
  { name: "wall-light", size: [1920, 1080], scheme: "light", query: "?kiosk=1" },
];
/** Where the whole page is on the screen. */
const WITHOUT_SCROLLING = ["laptop-dark", "desktop", "widest"];

describe("a look", () => {
  let model: Model;
  beforeAll(async () => {
    model = await Model.start(browser);
  });
  afterAll(() => model.stop());

  it.each(LOOKS)("$name fits its width, and axe finds no violation", async (look) => {
    const { page } = model;
    await model.take(look);
    const [width, height] = look.size;
    await shoot(page, look.name, width < 1200);
    await expect.poll(() => overflow(page), { timeout: GUARD_MS }).toBe(0);
    if (WITHOUT_SCROLLING.includes(look.name)) {
      expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBe(height);
    }
    expect(await violations(page)).toEqual([]);
  });

  it("shows in forced colours what is chosen, and the span while it is dragged", async () => {
    const { page } = model;
    await model.take({ size: [1440, 1000], forcedColours: true });
    const lines = await page
      .locator("[aria-pressed=true]:visible, th.sorted button")
      .evaluateAll((chosen) =>
        chosen.map((element) => getComputedStyle(element).textDecorationLine),
      );
    expect(lines.length).toBeGreaterThan(2);
    expect(new Set(lines)).toEqual(new Set(["underline"]));
    /** The colours that the system leaves as they are. */
    const isKept = (selector: string, pseudo?: string) =>
      page
        .locator(selector)
        .first()
        .evaluate((element, part) => {
          const { forcedColorAdjust, backgroundColor } = getComputedStyle(element, part);
          return forcedColorAdjust === "none" && !/^rgba\(.*, 0\)$/.test(backgroundColor);
        }, pseudo);
    expect(await isKept(".tile.focused", "::before")).toBe(true);
    expect(await isKept(".u-select")).toBe(true);
  });

  it.each([
    ["the help", "?", "help", [1440, 1000]],
    ["the help on a phone", "?", "help", [320, 640]],
    ["the commands", "Control+k", "commands", [1440, 1000]],
    ["the commands on a phone", "Control+k", "commands", [320, 640]],
    ["the alerts", "w", "alert-dialog", [1440, 1000]],
    ["the alerts on a phone", "w", "alert-dialog", [320, 640]],
  ] as const)("%s fit the window, and axe finds no violation", async (_, key, dialog, size) => {
    const { page } = model;
    for (const forcedColours of [false, true]) {
      await model.take({ size, forcedColours });
      await page.keyboard.press(key);
      const shown = page.getByTestId(dialog);
      await shown.waitFor({ timeout: GUARD_MS });
      if (dialog === "help") await shown.getByText("/proc/stat").first().waitFor();
      await shoot(page, `${dialog}-${size[0]}${forcedColours ? "-forced" : ""}`);
      await expect.poll(() => overflow(page), { timeout: GUARD_MS }).toBe(0);
      expect(await shown.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
      expect(await violations(page, "dialog")).toEqual([]); // the page behind it is inert
      await page.keyboard.press("Escape");
      await shown.waitFor({ state: "detached", timeout: GUARD_MS });
    }
  });

  it("is the same in whichever order the style sheets were loaded", async () => {
    // A sheet without the order of the layers, loaded first, would let the reset win over every component.
    const first = await model.page.evaluate(() =>
      [...document.styleSheets].map(({ cssRules: [rule] }) => rule?.cssText),
    );
    expect(first.length).toBeGreaterThan(1);
    expect([...new Set(first)]).toEqual(["@layer base, vendor, layout, parts, sections, states;"]);
  });

  it("paused, with a cursor and an open process, has no violation", async () => {
    const { page } = model;
    await model.take({ size: [1440, 1000] });
    await page.locator("[data-pid] button").first().click();
    await page.keyboard.press("ArrowLeft");
    await stateIs(page, "paused");
    await page.locator(".cursor-time").waitFor({ timeout: GUARD_MS });
    expect(await overflow(page)).toBe(0);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("l");
    await stateIs(page, "live");
  });
});

describe("a page", () => {
  let model: Model;
  beforeAll(async () => {
    model = await Model.start(browser);
  });
  afterAll(() => model.stop());

  it.each([
    [4008, "too slow"],
    [1001, "shutting down"],
    [1008, "not allowed"],
  ])("that was ended with %s shows %s, and axe finds no violation", async (code, reason) => {
    const { page, mock } = model;
    await mock.endViewers(code);
    await page
      .locator("[data-testid=freshness][data-state=ended]", { hasText: reason })
      .waitFor({ timeout: GUARD_MS });
    expect(await violations(page)).toEqual([]);
    await shoot(page, `ended-${code}`);
    // At each try, the page is open for a moment. From this age on, it is late then and not live.
    await page
      .locator(".tile .aside", { hasText: /([3-9]|\d\d) s old/ })
      .first()
      .waitFor({ timeout: GUARD_MS });
    await mock.acceptViewers();
    // The page tries again by itself, but not after a refusal.
    if (code === 1008) await page.getByRole("button", { name: "reconnect" }).click();
    await stateIs(page, "live");
  });

  it("that is lost shows the age of its values, and axe finds no violation", async () => {
    const { page } = model;
    await model.endServer();
    await stateIs(page, "lost");
    await page
      .locator(".tile .aside", { hasText: /([4-9]|\d\d) s old/ })
      .first()
      .waitFor({ timeout: GUARD_MS });
    await shoot(page, "lost-dark");
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ forcedColors: "active" });
    await frames(page);
    expect(await violations(page)).toEqual([]);
  });
});
