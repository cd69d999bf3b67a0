/** The page of a front end with many hosts: order, filters, keys, states, looks, and that one host shows nothing of it. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import {
  frames,
  GUARD_MS,
  NO_SERVER,
  openBrowser,
  openPage,
  shoot,
  stateIs,
  textOf,
  violations,
  type Watched,
} from "./browser";
import { Mock } from "./mock";

let browser: Browser;
let many: Mock;
/** For tests that change neither a state nor the mock itself. */
let few: Mock;
const own: Mock[] = [];
const opened: Watched[] = [];

beforeAll(async () => {
  [browser, many, few] = await Promise.all([
    openBrowser(),
    Mock.start("hosts-1000"),
    Mock.start("hosts-40"),
  ]);
});
afterAll(async () => {
  await Promise.all([browser.close(), many.stop(), few.stop()]);
});
afterEach(async () => {
  const watched = opened.splice(0);
  await Promise.all(watched.map(({ page }) => page.context().close()));
  await Promise.all(own.splice(0).map((mock) => mock.stop()));
  const complaints = watched.flatMap((one) => one.complaints);
  expect(complaints.filter((text) => provoked?.test(text) !== true)).toEqual([]);
});
/** What the browser complains about in a test that provokes it, until the page is closed. */
let provoked: RegExp | null = null;
beforeEach(() => {
  provoked = null;
});

async function ownMock(...twists: string[]): Promise<Mock> {
  const started = await Mock.start(...twists);
  own.push(started);
  return started;
}

async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const watched = await openPage(browser, url, options);
  opened.push(watched);
  await stateIs(watched.page, "live");
  return watched.page;
}

const link = (page: Page, name: string) => page.getByRole("link", { name, exact: true });
const firstNames = (page: Page, count: number) =>
  page
    .locator("[data-host] a")
    .evaluateAll((links, n) => links.slice(0, n).map((one) => one.textContent), count);
const hasFocus = (page: Page, name: string) =>
  page.waitForFunction((text) => document.activeElement?.textContent === text, name, {
    timeout: GUARD_MS,
  });
const parameterIs = (page: Page, name: string, value: string | null) =>
  page.waitForURL((url) => url.searchParams.get(name) === value, { timeout: GUARD_MS });
const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

describe("the overview", () => {
  it("has the worst hosts first, filters them, and has the choices in its address", async () => {
    const page = await open(few.url);
    expect(await firstNames(page, 5)).toEqual(["worker-1", "db-3", "edge-4", "mail-5", "cache-2"]);
    await page.locator(".states [data-state=lost]").click();
    await parameterIs(page, "state", "lost");
    await page.waitForFunction(() => document.querySelectorAll("[data-host]").length === 1);
    await page.keyboard.press("Escape");
    await parameterIs(page, "state", null);
    await page.keyboard.press("/");
    await page.keyboard.type("db east");
    await parameterIs(page, "find", "db east");
    await page.keyboard.press("Tab");
    await page.getByRole("button", { name: "cpu %" }).click();
    await parameterIs(page, "by", "cpu");
    await page.reload();
    await stateIs(page, "live");
    const names = await firstNames(page, 9);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(name).toMatch(/^db-/);
    expect(await page.locator("th[aria-sort=descending]").textContent()).toBe("cpu %");
  });

  it("opens a host with Enter, switches hosts, and returns with its state", async () => {
    const page = await open(`${few.url}?find=web`);
    const sockets: string[] = [];
    page.on("websocket", (socket) => sockets.push(new URL(socket.url()).search));
    await page.keyboard.press("Tab");
    await link(page, "web-1").focus();
    await page.keyboard.press("ArrowDown");
    await hasFocus(page, "web-2");
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=host]", { hasText: "web-2" }).waitFor({ timeout: GUARD_MS });
    await stateIs(page, "live");
    await page.locator("[data-chart=cpu]").waitFor({ timeout: GUARD_MS });
    expect(sockets.some((query) => query.includes("host=0000000000000009"))).toBe(true);
    await page.keyboard.press("]");
    await page.locator("[data-testid=host]", { hasText: "web-3" }).waitFor({ timeout: GUARD_MS });
    await page.keyboard.press("Escape");
    await hasFocus(page, "web-3");
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=host]", { hasText: "web-3" }).waitFor({ timeout: GUARD_MS });
    await page.keyboard.press("[");
    await page.locator("[data-testid=host]", { hasText: "web-2" }).waitFor({ timeout: GUARD_MS });
    // Escape ends a pause first.
    await stateIs(page, "live");
    await page.keyboard.press("p");
    await stateIs(page, "paused");
    await page.keyboard.press("Escape");
    await stateIs(page, "live");
    await page.keyboard.press("Escape");
    await hasFocus(page, "web-2");
    await parameterIs(page, "find", "web");
    await parameterIs(page, "host", null);
    await page.goBack();
    await page.locator("[data-testid=host]", { hasText: "web-2" }).waitFor({ timeout: GUARD_MS });
    await page.goBack();
    await hasFocus(page, "web-2");
  });

  it("moves no host while the pointer is inside, and shows that", async () => {
    const mock = await ownMock("hosts-12");
    const page = await open(mock.url);
    expect(await firstNames(page, 1)).toEqual(["worker-1"]);
    await link(page, "web-1").hover();
    await page.locator(".held:not(.off)").waitFor({ timeout: GUARD_MS });
    await mock.setState("web-1", "lost");
    await page
      .locator("[data-host] .word", { hasText: "lost 16 s" })
      .waitFor({ timeout: GUARD_MS });
    expect(await firstNames(page, 1)).toEqual(["worker-1"]);
    await page.mouse.move(5, 5);
    await page.waitForFunction(
      () => document.querySelector("[data-host] a")?.textContent === "web-1",
      undefined,
      { timeout: GUARD_MS },
    );
  });

  it("explains a state to the pointer, to the keyboard and to screen readers", async () => {
    const page = await open(few.url);
    const note = page.getByTestId("note");
    await link(page, "worker-1").hover();
    await note.getByText("No answer from").waitFor({ timeout: GUARD_MS });
    await page.mouse.move(5, 5);
    await note.waitFor({ state: "detached", timeout: GUARD_MS });
    await link(page, "worker-1").focus();
    await note.getByText("71 s old").waitFor({ timeout: GUARD_MS });
    const described = await link(page, "worker-1").getAttribute("aria-describedby");
    expect(await page.locator(`#${described ?? ""}`).textContent()).toContain("No answer from");
  });

  it("greys everything with its age when its own connection is lost", async () => {
    const mock = await ownMock("hosts-12");
    const page = await open(mock.url);
    provoked = NO_SERVER;
    await mock.stop();
    await stateIs(page, "lost");
    await page
      .locator("[data-host]", { hasText: "web-1" })
      .getByText(/live \d+ s/)
      .waitFor({ timeout: GUARD_MS });
    expect(await page.title()).toBe("(lost) 12 hosts");
    expect(await violations(page)).toEqual([]);
  });

  it("shows hostile names as text", async () => {
    const mock = await ownMock("hosts-12", "hostile");
    const page = await open(mock.url);
    await page.getByText("\\u202egnp.exe", { exact: true }).waitFor({ timeout: GUARD_MS });
    expect(await page.locator("main img").count()).toBe(0);
    expect(await overflow(page)).toBe(0);
  });
});

describe("a thousand hosts", () => {
  it("keep few rows in the document, and the focus stays wherever the page scrolls", async () => {
    const page = await open(`${many.url}?as=table&by=name`);
    expect(await page.locator("tbody [data-host]").count()).toBeLessThan(80);
    expect(await page.locator("table").getAttribute("aria-rowcount")).toBe("1001");
    await link(page, "build-1").focus();
    await page.keyboard.press("End");
    await hasFocus(page, "worker-125");
    expect(
      await page.locator("[data-host]", { hasText: "worker-125" }).getAttribute("aria-rowindex"),
    ).toBe("1001");
    await page.keyboard.press("PageUp");
    await page.keyboard.press("ArrowUp");
    await page.evaluate(() => {
      window.scrollTo(0, 0);
    });
    await link(page, "build-1").waitFor({ timeout: GUARD_MS });
    expect(await page.evaluate(() => document.activeElement?.closest("[data-host]") !== null)).toBe(
      true,
    );
    await page.keyboard.press("Home");
    await hasFocus(page, "build-1");
  });

  it("are tiles, on which the arrows move by line and by place", async () => {
    const page = await open(many.url);
    const tiles = page.locator(".tile-map [data-host]");
    expect(await tiles.count()).toBeLessThan(400);
    // The number of tiles per line is known once the page was measured.
    const firstTops = () =>
      tiles.evaluateAll((all) => all.slice(0, 2).map((tile) => tile.getBoundingClientRect().top));
    const inOneLine = async () => new Set(await firstTops()).size === 1;
    await expect.poll(inOneLine, { timeout: GUARD_MS }).toBe(true);
    await page.locator(".tile-map a").first().focus();
    await page.keyboard.press("ArrowRight");
    const place = () =>
      page.evaluate(() => Number(document.activeElement?.closest("li")?.dataset["host"]));
    await page.waitForFunction(() => document.activeElement?.textContent.includes("db-3"));
    const before = await place();
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(
      (host) => Number(document.activeElement?.closest("li")?.dataset["host"]) !== host,
      before,
    );
    await page.keyboard.press("ArrowUp");
    await page.waitForFunction(
      (host) => Number(document.activeElement?.closest("li")?.dataset["host"]) === host,
      before,
    );
    await page.keyboard.press("v");
    await parameterIs(page, "as", "table");
  });
});

const LOOKS = [
  ["dark", 1440, 1000, "dark", "none"],
  ["light", 1440, 1000, "light", "none"],
  ["wall", 3440, 1440, "dark", "none"],
  ["zoomed", 720, 500, "dark", "none"],
  ["narrowest", 320, 640, "light", "none"],
  ["forced-colours", 1440, 1000, "dark", "active"],
  ["phone", 390, 844, "dark", "none"],
] as const;

// One page goes through all looks, because opening another one takes longer than most checks.
describe.each([
  ["hosts of every state", "table"],
  ["hosts of every state", "map"],
  ["a thousand hosts", "table"],
  ["a thousand hosts", "map"],
] as const)("%s as %s", (hosts, shape) => {
  // Of a thousand hosts only the last look: hundreds of tiles take axe seconds, and those of a state do not differ.
  const hasAxe = (look: string) => hosts === "hosts of every state" || look === LOOKS.at(-1)?.[0];
  let watched: Watched;
  beforeAll(async () => {
    const { url } = hosts === "a thousand hosts" ? many : few;
    watched = await openPage(browser, `${url}?as=${shape}`);
    await stateIs(watched.page, "live");
  });
  afterAll(async () => {
    expect(watched.complaints).toEqual([]);
    await watched.page.context().close();
  });

  it.each(LOOKS)("fit the look %s", async (name, width, height, colorScheme, forcedColors) => {
    const { page } = watched;
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, forcedColors });
    await frames(page);
    await page.locator("[data-host] a").first().focus();
    await expect.poll(() => overflow(page), { timeout: GUARD_MS }).toBe(0);
    if (hosts === "hosts of every state") await shoot(page, `overview-${name}-${shape}`);
    if (hasAxe(name)) expect(await violations(page)).toEqual([]);
  });
});

describe("a single host", () => {
  it.each([
    ["", "ada", []],
    ["hosts-1", "web-1", ["/api/v1/hosts"]],
  ])("(%s) shows nothing of other hosts", async (twists, name, requested) => {
    const mock = await ownMock(twists);
    const page = await open(mock.url);
    await page.locator("[data-testid=host]", { hasText: name }).waitFor({ timeout: GUARD_MS });
    expect(await page.locator(".host-switcher").count()).toBe(0);
    await page.keyboard.press("Escape");
    await page.keyboard.press("]");
    await page.keyboard.press("?");
    const help = page.getByTestId("help");
    await help.getByText("return to live").first().waitFor({ timeout: GUARD_MS });
    expect(await help.getByText("host, in the order").count()).toBe(0);
    const paths = await page.evaluate(() =>
      performance.getEntriesByType("resource").map((entry) => new URL(entry.name).pathname),
    );
    expect(paths.filter((path) => /hosts|sparklines/.test(path))).toEqual(requested);
  });
});

describe("Ctrl K", () => {
  it("finds a host of all hosts, also from the dashboard of another one", async () => {
    const page = await open(`${many.url}?find=web`);
    await page.keyboard.press("Control+k");
    const palette = page.getByTestId("commands");
    await palette.getByText(/^\d+ more match/).waitFor({ timeout: GUARD_MS });
    expect(await palette.getByRole("option").count()).toBe(100);
    expect(await violations(page, "[data-testid=commands]")).toEqual([]);
    await palette.getByRole("combobox").fill("db-77");
    await page.waitForFunction(
      () => document.querySelector("[aria-selected=true]")?.textContent === "db-77",
    );
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=host]", { hasText: "db-77" }).waitFor({ timeout: GUARD_MS });
    await stateIs(page, "live");
    await page.keyboard.press("Control+k");
    await palette.getByRole("combobox").fill("nas-9");
    await page.getByRole("option", { name: "nas-9", exact: true }).click({ timeout: GUARD_MS });
    await page.locator("[data-testid=host]", { hasText: "nas-9" }).waitFor({ timeout: GUARD_MS });
    await parameterIs(page, "find", "web");
  });

  it("filters by any text, and starts what the keys start", async () => {
    const page = await open(many.url);
    await page.keyboard.press("Control+k");
    const field = page.getByTestId("commands").getByRole("combobox");
    await field.fill("edge-1");
    await page.getByRole("option", { name: "hosts with “edge-1”" }).click({ timeout: GUARD_MS });
    await parameterIs(page, "find", "edge-1");
    await page.keyboard.press("Control+k");
    await field.fill("table and tiles");
    await page.getByRole("option", { name: /^switch between table/ }).click({ timeout: GUARD_MS });
    await page.locator(".tile-map").waitFor({ timeout: GUARD_MS });
  });
});

it("has its styles without those of the page of hosts", async () => {
  const page = await open(few.url);
  const loaded = () =>
    [...document.styleSheets].filter(({ href }) => /\/(dashboard|panels)-/.test(href ?? "")).length;
  await expect.poll(() => page.evaluate(loaded), { timeout: GUARD_MS }).toBe(2);
  // At once: in the next frame, the values and their widths may be others.
  const [before, after] = await page.evaluate(() => {
    const places = () =>
      [...document.querySelectorAll("header, header *, .toolbar *, [data-host]")].map((one) =>
        JSON.stringify(one.getBoundingClientRect()),
      );
    const first = places();
    for (const link of document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet]"))
      if (/\/(dashboard|panel)/.test(link.href)) link.remove();
    return [first, places()];
  });
  expect(before.length).toBeGreaterThan(40);
  expect(after).toEqual(before);
});

it("opens a host without files of the server, and offers to reload if it could not load them before", async () => {
  const page = await open(few.url);
  const loaded = () => {
    const names = performance.getEntriesByType("resource").map(({ name }) => name);
    const has = (file: string, end: string) =>
      names.some((name) => name.includes(`/${file}-`) && name.endsWith(end));
    const scripts = ["dashboard", "panels", "host-switcher", "explain", "announcer"];
    const styles = ["dashboard", "panels", "host-switcher", "explain"];
    return scripts.every((file) => has(file, ".js")) && styles.every((file) => has(file, ".css"));
  };
  await page.waitForFunction(loaded, undefined, { timeout: GUARD_MS });
  provoked = /ERR_FAILED/;
  await page.route(/\/assets\//, (route) => route.abort()); // as after an update
  await link(page, "web-1").click();
  await page.locator("[data-testid=host]", { hasText: "web-1" }).waitFor({ timeout: GUARD_MS });
  await page.locator("[data-panel=Disks] [data-row]").first().waitFor({ timeout: GUARD_MS });
  await page.keyboard.press("Escape");
  await link(page, "web-1").waitFor({ timeout: GUARD_MS });
  await page.unroute(/\/assets\//);
  await page.route(/\/dashboard-.*js$/, (route) => route.abort());
  await page.reload();
  await stateIs(page, "live");
  await link(page, "web-1").click();
  const failure = page.getByRole("alert").getByText("could not be loaded");
  await failure.waitFor({ timeout: GUARD_MS });
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await hasFocus(page, "web-1");
  await page.keyboard.press("Enter");
  await failure.waitFor({ timeout: GUARD_MS });
  expect(await textOf(page, ".meanwhile")).toBe("web-1 ");
  await page.unroute(/\/dashboard-.*js$/);
  await page.getByRole("button", { name: "Reload" }).click();
  await page.locator("[data-testid=host]", { hasText: "web-1" }).waitFor({ timeout: GUARD_MS });
  await stateIs(page, "live");
});

it("a single host that has not answered is a row with the reason, and then its dashboard", async () => {
  const mock = await ownMock("hosts-1");
  await mock.setState("web-1", "incompatible");
  const page = await open(mock.url);
  await page.locator("[data-host] .word", { hasText: "incompatible" }).waitFor();
  await mock.setState("web-1", "live");
  await page.locator("[data-testid=host]", { hasText: "web-1" }).waitFor({ timeout: GUARD_MS });
  expect(await page.locator(".host-switcher, .host-table").count()).toBe(0);
});

it("a single host is its dashboard, also if the first request for the hosts has no answer", async () => {
  const mock = await ownMock("hosts-1");
  const watched = await openPage(browser, "about:blank");
  opened.push(watched);
  const { page } = watched;
  provoked = /ERR_FAILED/;
  await page.route("**/api/v1/hosts", (route) => route.abort(), { times: 1 });
  await page.goto(mock.url);
  await page.locator("[data-testid=host]", { hasText: "web-1" }).waitFor({ timeout: GUARD_MS });
  expect(await page.locator(".host-switcher, .host-table").count()).toBe(0);
});

it("shows a group, with its own counts", async () => {
  const page = await open(many.url);
  const groups = page.getByLabel("group");
  await groups.selectOption("tag:canary");
  await parameterIs(page, "group", "tag:canary");
  await page.getByText(/^200 of 1.000 shown$/).waitFor({ timeout: GUARD_MS });
  expect(await page.locator(".states [data-state=live]").textContent()).toMatch(/199/);
  await page.reload();
  await stateIs(page, "live");
  expect(await groups.inputValue()).toBe("tag:canary");
});

it("fills a wall screen with tiles, and nothing scrolls", async () => {
  const mock = await ownMock("hosts-120");
  const page = await open(`${mock.url}?kiosk=1`, { viewport: { width: 3440, height: 1440 } });
  await page.waitForFunction(
    () => document.querySelectorAll(".tile-map [data-host]").length === 120,
  );
  const lowest = await page.evaluate(() =>
    Math.max(
      ...[...document.querySelectorAll(".host-tile")].map(
        (one) => one.getBoundingClientRect().bottom,
      ),
    ),
  );
  expect(lowest).toBeLessThan(1440);
  await shoot(page, "overview-kiosk");
  expect(await violations(page)).toEqual([]);
});

it("the help has every key of the overview, and no other key acts while it is open", async () => {
  const page = await open(many.url);
  await page.keyboard.press("?");
  const help = page.getByTestId("help");
  await help.getByText("show the dashboard of the host").waitFor({ timeout: GUARD_MS });
  expect(await violations(page, "[data-testid=help]")).toEqual([]);
  await page.keyboard.press("v");
  await parameterIs(page, "as", null);
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached", timeout: GUARD_MS });
});
