/**
 * Takes the screenshots of the README with the mock host, so that they show work and are the same each time:
 * node scripts/screenshot.js FOLDER (after npm run build).
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const folder = process.argv[2] ?? "test-results/screenshots";
const SHOTS = [
  { name: "dashboard-dark", width: 1440, height: 1000, colorScheme: "dark", query: "" },
  {
    name: "dashboard-light",
    width: 1440,
    height: 1000,
    colorScheme: "light",
    query: "?focus=load",
  },
];
const MANY = { width: 1440, height: 900, query: "?as=table", hosts: 30 };
const OVERVIEW_SHOTS = [
  { ...MANY, name: "overview-dark", colorScheme: "dark" },
  { ...MANY, name: "overview-light", colorScheme: "light" },
  { ...MANY, name: "overview-phone", colorScheme: "dark", width: 390, height: 844 },
];

/** Start the mock server, and return its address and the function that ends it. */
async function serve(...twists) {
  const server = spawn(process.execPath, ["tests/support/mock-server.js", "0", twists.join(",")], {
    cwd: new URL("..", import.meta.url),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise((resolve) => createInterface(server.stdout).once("line", resolve));
  return { url, stop: () => server.kill() };
}

async function take(browser, url, shots, isReady) {
  for (const { name, width, height, colorScheme, query } of shots) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(url + query);
    await page.locator("[data-state=live]").first().waitFor();
    await isReady(page, width);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: `${folder}/${name}.png` });
    console.log(`${folder}/${name}.png`);
  }
}

const host = await serve();
const frontEnd = await serve(`hosts-${MANY.hosts}`);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
try {
  await take(browser, host.url, SHOTS, (page) => page.locator("[data-pid]").first().waitFor());
  await take(browser, frontEnd.url, OVERVIEW_SHOTS, (page, width) =>
    page
      .locator(width < 1200 ? "[data-host]" : ".host-spark")
      .first()
      .waitFor(),
  );
} finally {
  await browser.close();
  host.stop();
  frontEnd.stop();
}
