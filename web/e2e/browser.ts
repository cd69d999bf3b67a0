/** A headless Chromium, that of the distribution, and a page that collects its errors. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";

import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
/** Chromium without its windows and its settings. Opening a page takes less than half of the CPU time. */
const SHELL = "chromium-headless-shell";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const GUARD_MS = 30_000; // so that no test waits indefinitely; not a claim about speed

/** Of parts that a page loads at any moment, for example the explanation of what is under the pointer. */
const LATER_PARTS = "Unable to preload CSS|Failed to fetch dynamically imported module";
/** Complaints of the browser about a server that does not answer any more. */
export const NO_SERVER = new RegExp(`net::ERR_|${LATER_PARTS}`);
/** Complaints of the browser about a server that requires a login: its status is 401, also for the login page and parts. */
export const NO_LOGIN = new RegExp(`401|supported stylesheet MIME type|${LATER_PARTS}`);

/** Where `shoot` puts its pictures; null without the variable SCREENSHOTS, because they take a tenth of the time. */
const artefacts =
  process.env["SCREENSHOTS"] === undefined
    ? null
    : join(import.meta.dirname, "../test-results/screenshots");
if (artefacts !== null) mkdirSync(artefacts, { recursive: true });

export async function openBrowser(): Promise<Browser> {
  return launch([SHELL, ...NAMES], FLAGS);
}

/** The browser that users have, for what depends on its settings or on touch: accepted cookies, taps. */
export async function openWholeBrowser(...flags: string[]): Promise<Browser> {
  return launch(NAMES, [...FLAGS, ...flags]);
}

async function launch(names: string[], args: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(names), args });
}

function findChromium(names: string[]): string {
  const given = process.env["CHROMIUM"];
  if (given !== undefined) return given;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  for (const name of names) {
    for (const folder of folders) if (existsSync(join(folder, name))) return join(folder, name);
  }
  throw new Error(
    `no Chromium: none of ${names.join(", ")} is on the PATH, and CHROMIUM is not set`,
  );
}

export interface Watched {
  readonly page: Page;
  /** The errors of scripts and of the console, without the refused connections that the tests provoke. */
  readonly complaints: string[];
  /** Requests to another server than the page's own. */
  readonly foreignRequests: string[];
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  // Without motion: in the middle of a fade, axe would measure the wrong colours.
  const context = await browser.newContext({
    reducedMotion: "reduce",
    viewport: { width: 1440, height: 1000 },
    colorScheme: "dark",
    ...options,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const foreignRequests: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  page.on("console", (message) => {
    const { url: source } = message.location();
    const refused =
      /WebSocket connection/.test(message.text()) ||
      /\/api\/v1\/((stream|history)\?|silences)/.test(source); // most servers have no silences
    // Chromium itself requests the icon of a site, for example between two pages.
    const own = source.endsWith("/favicon.ico");
    if (message.type() === "error" && !refused && !own)
      complaints.push(`${message.text()} ${source}`);
  });
  page.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(url).host) foreignRequests.push(request.url());
  });
  await page.goto(url);
  return { page, complaints, foreignRequests };
}

/** Makes the page believe that its tab is hidden. For a headless Chromium, every tab is visible. */
export async function hide(page: Page): Promise<void> {
  await setVisibility(page, "hidden");
}

export async function show(page: Page): Promise<void> {
  await setVisibility(page, "visible");
}

async function setVisibility(page: Page, state: DocumentVisibilityState): Promise<void> {
  await page.evaluate((value) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, value });
    Object.defineProperty(document, "hidden", { configurable: true, value: value === "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}

export async function stateIs(page: Page, state: string, timeout = GUARD_MS): Promise<void> {
  await page.locator(`[data-testid=freshness][data-state=${state}]`).waitFor({ timeout });
}

export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).first().textContent()) ?? "";
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  nodes: { target: string[]; failureSummary: string }[];
}

/** What axe finds on the page, or in one part of it. Loads axe into the page where it is not loaded yet. */
export async function violations(page: Page, place = ":root"): Promise<string[]> {
  if (await page.evaluate(() => !("axe" in window))) await page.evaluate(axe);
  const found = await page.evaluate(async (include) => {
    const { axe: runner } = window as unknown as {
      axe: {
        run: (context: object, options: object) => Promise<{ violations: Violation[] }>;
      };
    };
    /** Elements, classes and names of attributes, which decide colours and roles. */
    const formOf = (row: Element): string =>
      [row, ...row.querySelectorAll("*")]
        .map((one) => [one.tagName, one.getAttribute("class"), ...one.getAttributeNames()].join())
        .join(";");
    // A row that differs from one above only in its texts; with these rows, axe takes twice as long.
    const exclude = [...document.querySelectorAll("tbody")].flatMap((body) => {
      const known = new Set<string>();
      return [...body.rows].filter((row) => known.size === known.add(formOf(row)).size);
    });
    // The paths of all elements without a violation take most of the time. No rule that runs needs what axe preloads.
    const options = { resultTypes: ["violations"], preload: false };
    return (await runner.run({ include, exclude }, options)).violations;
  }, place);
  return found.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.failureSummary}`),
  );
}

/** Wait until the page has drawn what was changed: observers of sizes run once per frame, and React draws after them. */
export async function frames(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let n = 0; n < 3; n += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
  });
}

/** For the eyes of people: SCREENSHOTS=1 npm run e2e */
export async function shoot(page: Page, name: string, fullPage = false): Promise<void> {
  if (artefacts === null) return;
  await page.screenshot({ path: join(artefacts, `${name}.png`), fullPage });
}
