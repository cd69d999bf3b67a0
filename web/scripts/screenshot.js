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

const server = spawn(process.execPath, ["tests/support/mock-server.js", "0"], {
  cwd: new URL("..", import.meta.url),
  stdio: ["ignore", "pipe", "inherit"],
});
const url = await new Promise((resolve) => createInterface(server.stdout).once("line", resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
try {
  for (const { name, width, height, colorScheme, query } of SHOTS) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(url + query);
    await page.locator("[data-state=live]").waitFor();
    await page.locator("[data-pid]").first().waitFor();
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: `${folder}/${name}.png` });
    console.log(`${folder}/${name}.png`);
  }
} finally {
  await browser.close();
  server.kill();
}
