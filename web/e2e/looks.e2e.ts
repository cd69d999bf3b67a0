/**
 * How the page looks, at every size, in every theme and state: nothing overflows, and axe finds no violation. One page
 * goes through all of them, because opening another one takes longer than the checks.
 */
import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  frames,
  GUARD_MS,
  openBrowser,
  openPage,
  shoot,
  stateIs,
  violations,
  type Watched,
} from "./browser";
import { Mock } from "./mock";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
});

interface Look {
  readonly name: string;
  readonly size: readonly [width: number, height: number];
  readonly scheme?: "dark" | "light";
  readonly query?: string;
  readonly forcedColours?: boolean;
  /** The default font of the reader, in pixels. */
  readonly font?: number;
}

/** A page that takes one look after the other. */
class Model {
  readonly watched: Watched;
  readonly #mock: Mock;
  readonly #session: CDPSession;
  #query = "";
  #hasServer = true;

  private constructor(mock: Mock, watched: Watched, session: CDPSession) {
    this.#mock = mock;
    this.watched = watched;
    this.#session = session;
  }

  static async start(...twists: string[]): Promise<Model> {
    const mock = await Mock.start(...twists);
    const watched = await openPage(browser, mock.url);
    await stateIs(watched.page, "live");
    return new Model(mock, watched, await watched.page.context().newCDPSession(watched.page));
  }

  get page(): Page {
    return this.watched.page;
  }

  get mock(): Mock {
    return this.#mock;
  }

  async take({ size, scheme = "dark", query = "", forcedColours, font = 16 }: Omit<Look, "name">) {
    const { page } = this;
    const [width, height] = size;
    await page.setViewportSize({ width, height });
    await page.emulateMedia({
      colorScheme: scheme,
      forcedColors: forcedColours === true ? "active" : "none",
    });
    await this.#session.send("Page.setFontSizes", { fontSizes: { standard: font } });
    if (query !== this.#query) {
      await page.goto(`${this.#mock.url}${query}`);
      this.#query = query;
    }
    await stateIs(page, "live");
    await page.evaluate(() => window.dispatchEvent(new Event("resize"))); // a font has no event
    await page.locator(".processes").scrollIntoViewIfNeeded();
    await page.locator("[data-pid]").first().waitFor({ timeout: GUARD_MS });
    await page.evaluate(() => {
      window.scrollTo(0, 0);
    });
    await frames(page);
  }

  /** From now on, what the page loads later (icons of the tab, explanations) is not answered. */
  async endServer(): Promise<void> {
    expect(this.watched.complaints).toEqual([]);
    this.#hasServer = false;
    await this.#mock.stop();
  }

  async stop(): Promise<void> {
    await this.page.context().close();
    await this.#mock.stop();
    const { complaints } = this.watched;
    const expected = this.#hasServer ? /^$/ : /net::ERR_CONNECTION_/;
    expect(complaints.filter((text) => !expected.test(text))).toEqual([]);
  }
}

/** How many pixels the content is wider than the window. */
const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

/** The texts of the numbers in tables that are wider than their cells. */
const cutValues = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll(".panels td.right")]
      .filter((cell) => cell.scrollWidth > cell.clientWidth)
      .map((cell) => cell.textContent),
  );

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
    model = await Model.start();
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

describe("the longest names and values", () => {
  let model: Model;
  beforeAll(async () => {
    model = await Model.start("longest");
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

describe("a page", () => {
  let model: Model;
  beforeAll(async () => {
    model = await Model.start();
  });
  afterAll(() => model.stop());

  it.each([
    [4008, "too slow"],
    [1001, "shutting down"],
    [1008, "not allowed"],
  ])("that was ended with %s shows %s, and axe finds no violation", async (code, reason) => {
    const { page, mock } = model;
    await mock.endViewers(code);
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

describe("a host", () => {
  it.each([["psi,heat,swap"], ["many"]])(
    "with %s is shown without empty places",
    async (twists) => {
      const model = await Model.start(...twists.split(","));
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
    const model = await Model.start("failed");
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
    const model = await Model.start("hardware");
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
    const model = await Model.start("spikes");
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
