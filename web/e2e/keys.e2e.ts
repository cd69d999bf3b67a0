/** Every key of the help does what the help describes. The same for pointer and touch. */
import { readFileSync } from "node:fs";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { KEYS } from "../src/shell/keys";
import {
  GUARD_MS,
  openBrowser,
  openPage,
  openWholeBrowser,
  stateIs,
  textOf,
  type Watched,
} from "./browser";
import { Mock } from "./mock";

let browser: Browser;
let mock: Mock;
let watched: Watched;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
  mock = await Mock.start();
});
afterAll(async () => {
  await browser.close();
  await mock.stop();
});
beforeAll(async () => {
  watched = await openPage(browser, mock.url);
  page = watched.page;
});
/** One page for all tests of a group, which is loaded again only after a test that leaves more than the focus behind. */
function openAsNew(): void {
  beforeEach(async () => {
    if (await isUsed()) {
      await page.evaluate(() => {
        localStorage.clear();
      });
      await page.goto(mock.url);
    }
    await stateIs(page, "live");
  });
}
afterEach(() => {
  expect(watched.complaints.splice(0)).toEqual([]);
});
const isUsed = () =>
  page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    const left = "dialog, .drawer, .cursor-time, [role=tooltip], .readout [aria-pressed=true]";
    return (
      location.search !== "" ||
      localStorage.length > 0 ||
      document.querySelector(left) !== null ||
      document.querySelector("[data-state=live]") === null
    );
  });

// The browser reports a changed address later than it handles the key.
const parameterIs = (name: string, value: string | RegExp | null) =>
  page.waitForURL(
    ({ searchParams }) => {
      const found = searchParams.get(name);
      return value instanceof RegExp ? value.test(found ?? "") : found === value;
    },
    { timeout: GUARD_MS },
  );
const press = (key: string) => page.keyboard.press(key);
const cursorTime = () => textOf(page, ".cursor-time");
const plot = async (chart: string) => {
  const box = await page.locator(`[data-chart=${chart}] .u-over`).boundingBox();
  if (box === null) throw new Error(`no ${chart}`);
  return box;
};

describe("a key", () => {
  openAsNew();

  it("p pauses and continues; samples still arrive meanwhile", async () => {
    await press("p");
    await stateIs(page, "paused");
    await page.getByText(/[2-9] waiting/).waitFor({ timeout: GUARD_MS });
    await press("p");
    await stateIs(page, "live");
  });

  it("arrows move the cursor by a second, with Shift by ten; l and Escape return to live", async () => {
    await press("ArrowLeft");
    await stateIs(page, "paused");
    await expect.poll(cursorTime, { timeout: GUARD_MS }).toContain("\u22120:01");
    await press("Shift+ArrowLeft");
    await expect.poll(cursorTime, { timeout: GUARD_MS }).toContain("\u22120:11");
    await press("ArrowRight");
    await expect.poll(cursorTime, { timeout: GUARD_MS }).toContain("\u22120:10");
    await press("l");
    await stateIs(page, "live");
    await press("p");
    await press("Escape");
    await stateIs(page, "live");
  });

  it("1, 2 and 3 choose the window", async () => {
    await press("1");
    await parameterIs("window", "60");
    await press("3");
    await parameterIs("window", "600");
    await press("2");
    await parameterIs("window", null);
  });

  it("of a vital focuses its chart, and pressed again shows the next view of it", async () => {
    const vitals = { m: "memory", i: "load", n: "network", d: "disk", h: "heat", c: "cpu" };
    for (const [key, focus] of Object.entries(vitals)) {
      await press(key);
      const tile = page.locator(`[data-focus=${focus}][aria-pressed=true]`);
      await tile.waitFor({ timeout: GUARD_MS });
      const facets = page.locator(".chart.focused .facets button");
      if ((await facets.count()) === 0) continue; // there is one view only
      await press(key);
      await parameterIs("show", new RegExp(`${focus}\\.`));
      expect(await facets.nth(1).getAttribute("aria-pressed"), key).toBe("true");
    }
  });

  it("/ filters processes, and Escape clears the filter", async () => {
    await page.locator("[data-pid]").first().waitFor();
    await press("/");
    await page.keyboard.type("postgres pl");
    await page.getByText("no match among the busiest").waitFor();
    await press("Backspace");
    await press("Backspace");
    await press("Backspace");
    expect(await page.locator("[data-pid]").count()).toBe(3);
    await parameterIs("filter", "postgres");
    await press("Escape");
    await parameterIs("filter", null);
    await press("p");
    await stateIs(page, "paused");
  });

  it("t changes the theme, which the browser remembers", async () => {
    const theme = () => page.evaluate(() => document.documentElement.dataset["theme"]);
    const before = await theme();
    await press("t");
    const after = await theme();
    expect(after).not.toBe(before);
    await page.goto(mock.url);
    expect(await theme()).toBe(after);
  });

  it("k switches kiosk mode on and off", async () => {
    await press("k");
    expect(await page.locator(".controls").count()).toBe(0);
    await press("k");
    expect(await page.locator(".controls").count()).toBe(1);
  });

  it("a shows statistics in every readout, and hides them again", async () => {
    const total = page.locator(".readout .statistic", { hasText: /total [\d.]+ GiB/ });
    await press("a");
    await total.first().waitFor({ timeout: GUARD_MS });
    expect(await page.locator(".readout:not(.with-statistics)").count()).toBe(0);
    await parameterIs("statistics", "1");
    await press("a");
    await total.first().waitFor({ state: "detached", timeout: GUARD_MS });
  });

  it("Ctrl K finds a chart, and leads to it", async () => {
    await page.locator("#process-filter").focus();
    await press("Control+k");
    await page.getByRole("combobox").waitFor({ timeout: GUARD_MS });
    await page.keyboard.type("wait disk");
    await page.getByRole("option", { name: "disk: wait", selected: true }).waitFor();
    await press("Enter");
    await parameterIs("show", "disk.wait");
    await page.locator("[data-chart=disk]:focus").waitFor({ timeout: GUARD_MS });
  });

  it("Ctrl K finds a table by the pointer, and closes on Escape", async () => {
    await press("Control+k");
    await page.getByRole("option", { name: "Filesystems" }).click();
    await page.locator("[data-panel=Filesystems]:focus").waitFor({ timeout: GUARD_MS });
    await press("Control+k");
    await page.getByRole("combobox").waitFor({ timeout: GUARD_MS });
    await press("Escape");
    await page.getByRole("combobox").waitFor({ state: "detached", timeout: GUARD_MS });
    await page.locator("[data-panel=Filesystems]:focus").waitFor({ timeout: GUARD_MS });
  });

  it("? shows every key, and no other key acts while the help is open", async () => {
    await press("?");
    const help = page.getByTestId("help");
    await help.waitFor();
    const shown = await help.locator(".keys dt").allTextContents();
    expect(shown).toEqual([...KEYS.map((key) => key.shown), "drag"]);
    await press("p");
    await stateIs(page, "live");
    await press("Escape");
    await help.waitFor({ state: "detached" });
    await stateIs(page, "live");
  });
});

describe("touch", () => {
  // Half of the taps have no effect in the headless shell.
  let whole: Browser;
  beforeAll(async () => {
    whole = await openWholeBrowser();
  });
  afterAll(() => whole.close());

  const onPhone = async (run: (phone: Page) => Promise<void>) => {
    const { page: phone, complaints } = await openPage(whole, mock.url, {
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    });
    await stateIs(phone, "live");
    await run(phone);
    expect(complaints).toEqual([]);
    await phone.context().close();
  };
  const over = async (phone: Page) => {
    const plotted = phone.locator("[data-chart=cpu] .u-over");
    await plotted.scrollIntoViewIfNeeded();
    const box = await plotted.boundingBox();
    if (box === null) throw new Error("no chart");
    return box;
  };

  it("sets the cursor with a tap", async () => {
    await onPhone(async (phone) => {
      const box = await over(phone);
      await phone.touchscreen.tap(box.x + box.width / 2, box.y + 40);
      await phone.locator(".cursor-time").first().waitFor({ timeout: GUARD_MS });
    });
  });

  it("zooms with two fingers", async () => {
    await onPhone(async (phone) => {
      const box = await over(phone);
      const session = await phone.context().newCDPSession(phone);
      const at = (share: number, id: number) => ({
        x: box.x + box.width * share,
        y: box.y + 40,
        id,
      });
      const touch = (
        type: "touchStart" | "touchMove" | "touchEnd",
        points: ReturnType<typeof at>[],
      ) => session.send("Input.dispatchTouchEvent", { type, touchPoints: points });
      await touch("touchStart", [at(0.3, 1)]);
      await touch("touchStart", [at(0.3, 1), at(0.6, 2)]);
      await touch("touchMove", [at(0.3, 1), at(0.7, 2)]);
      await touch("touchEnd", []);
      await stateIs(phone, "paused");
    });
  });

  it("has controls that are large enough", async () => {
    await onPhone(async (phone) => {
      const small = await phone.locator("header button, main button").evaluateAll((buttons) =>
        buttons
          .map((button) => ({
            name: button.textContent,
            height: button.getBoundingClientRect().height,
          }))
          .filter(({ height }) => height > 0 && height < 24),
      );
      expect(small).toEqual([]);
      const controls = await phone
        .locator(".controls button:visible")
        .evaluateAll((buttons) => buttons.map((button) => button.getBoundingClientRect().height));
      expect(Math.min(...controls)).toBeGreaterThanOrEqual(44);
    });
  });
});

describe("the pointer", () => {
  openAsNew();

  it("sets one cursor on all charts", async () => {
    const box = await plot("memory");
    await page.mouse.move(box.x + box.width / 2, box.y + 20);
    await page.mouse.move(box.x + box.width / 2 - 3, box.y + 20);
    await page.locator(".cursor-time").waitFor();
    expect(await cursorTime()).toMatch(/\d\d:\d\d:\d\d\u2002\u22122:\d\d/);
    await page.mouse.move(2, 2);
    await page.locator(".cursor-time").waitFor({ state: "detached" });
  });

  it("zooms all charts by dragging, and returns to live on a double click", async () => {
    const box = await plot("cpu");
    await page.mouse.move(box.x + 100, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await stateIs(page, "paused");
    await page.mouse.dblclick(box.x + 100, box.y + 40);
    await stateIs(page, "live");
  });

  it("explains a name after half a second", async () => {
    await page.locator("dt", { hasText: "retransmits" }).hover();
    expect(await page.locator("[role=tooltip]").textContent()).toContain("again");
    await press("Escape");
    expect(await page.locator("[role=tooltip]").count()).toBe(0);
  });

  it("shows one series alone by a click on its row, and all again by another one", async () => {
    const row = page.locator(".chart.focused .readout button", { hasText: "iowait" });
    await row.click();
    expect(await row.getAttribute("aria-pressed")).toBe("true");
    await row.click();
    expect(await row.getAttribute("aria-pressed")).toBe("false");
  });

  it("sorts by the head of a column, and opens a process", async () => {
    await page.locator("[data-pid]").first().waitFor();
    await page.locator(".processes th button", { hasText: "memory" }).click();
    expect(await page.locator("[data-pid]").first().getAttribute("data-pid")).toBe("2117");
    await page.locator("[data-pid='2117'] button").click();
    expect(await page.locator(".drawer").textContent()).toContain("postgres: check");
  });

  it.each(["CSV", "JSON"])("saves the window as %s", async (kind) => {
    const saved = async (): Promise<string> => {
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: kind }).click();
      return readFileSync(await (await download).path(), "utf8");
    };
    // The samples of the past arrive after those of the stream.
    const seconds = kind === "CSV" ? /\r\n/g : /true/g;
    await expect
      .poll(async () => (await saved()).match(seconds)?.length, { timeout: GUARD_MS })
      .toBeGreaterThan(290);
    const text = await saved();
    if (kind === "JSON") expect((JSON.parse(text) as { host: string }).host).toBe("ada");
    expect(text).toContain("cpu.usage_percent");
  });
});

/** The size and the colours of a PNG, decoded by the browser. */
async function imageOf(file: string) {
  const base64 = readFileSync(file, "base64");
  return page.evaluate(async (data) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const pen = canvas.getContext("2d");
    pen?.drawImage(image, 0, 0);
    const pixels = pen?.getImageData(0, 0, image.width, image.height).data ?? [];
    const colours = new Map<string, number>();
    for (let at = 0; at < pixels.length; at += 4) {
      const colour = `${pixels[at]} ${pixels[at + 1]} ${pixels[at + 2]}`;
      colours.set(colour, (colours.get(colour) ?? 0) + 1);
    }
    return {
      size: [image.width, image.height],
      corner: `${pixels[0]} ${pixels[1]} ${pixels[2]}`,
      colours: colours.size,
      blank: Math.max(...colours.values()) / (image.width * image.height),
    };
  }, base64);
}

it.each([
  ["s", "dark", "?focus=cpu", "cpu"],
  ["s", "light", "?focus=cpu", "cpu"],
  ["its button", "light", "?focus=network&show=network.tcp", "network-tcp"],
  ["the command palette", "dark", "?focus=cpu&show=cpu.cores", "cpu-cores"],
])("%s saves a chart as a PNG in %s colours", async (way, theme, query, chart) => {
  await page.goto(`${mock.url}${query}&theme=${theme}`);
  await stateIs(page, "live");
  const download = page.waitForEvent("download", { timeout: GUARD_MS });
  if (way === "s") await press("s");
  else if (way === "its button") await page.getByRole("button", { name: "PNG" }).click();
  else {
    await press("Control+k");
    await page.getByRole("combobox").fill("png");
    await press("Enter");
  }
  const saved = await download;
  expect(saved.suggestedFilename()).toMatch(
    new RegExp(`^ada-${chart}-\\d{4}-\\d\\d-\\d\\dT\\d{6}\\.png$`),
  );
  const image = await imageOf(await saved.path());
  const background = theme === "dark" ? "14 16 19" : "251 251 252";
  expect(image).toMatchObject({ size: [1920, 800], corner: background });
  expect(image.colours).toBeGreaterThan(20);
  expect(image.blank).toBeLessThan(0.99);
});

describe("before the code of the panels is loaded", () => {
  const PARTS = [".tiles", ".charts", ".processes", ".processes .rows"];
  const places = (later: Page) =>
    later.evaluate(
      (parts) =>
        parts.map((part) => {
          const { x, y, width } = document.querySelector(part)?.getBoundingClientRect() ?? {};
          return { part, x, y, width };
        }),
      PARTS,
    );

  it.each([
    ["a wide page", { width: 1440, height: 1000 }],
    ["a phone", { width: 390, height: 844 }],
  ])(
    "keys, links and the filter of %s find the tables, and nothing moves then",
    async (_, size) => {
      const context = await browser.newContext({ reducedMotion: "reduce", viewport: size });
      const later = await context.newPage();
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      await later.route("**/assets/panels-*.js", async (route) => {
        await released;
        await route.continue();
      });
      await later.goto(mock.url);
      await stateIs(later, "live");
      expect(await later.locator("[data-panel]").count()).toBeGreaterThan(4);
      expect(await later.locator("[data-pid]").count()).toBe(0);
      await later.keyboard.press("e");
      await later.keyboard.press("/");
      await later.keyboard.type("p");
      const before = await places(later);
      release();
      await later.locator(".pager").waitFor({ timeout: GUARD_MS });
      await later.locator("[data-pid]").first().waitFor({ timeout: GUARD_MS });
      expect(await places(later)).toEqual(before);
      await later.keyboard.type("o");
      await later.waitForURL(({ searchParams }) => searchParams.get("filter") === "po", {
        timeout: GUARD_MS,
      });
      expect(await later.evaluate(() => document.activeElement?.id)).toBe("process-filter");
      await context.close();
    },
  );
});
