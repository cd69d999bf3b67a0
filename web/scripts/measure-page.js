/**
 * Measures the page: the time to the first chart, the CPU of the main thread and the heap, one JSON line per figure.
 * With the mock host over loopback, and the browser and the day of samples of the end-to-end tests. It prints figures
 * and has no limits for them. node scripts/measure-page.js (after npm run build).
 */
import { runnerImport } from "vite";

const LOADS = 5;
const CPU_SECONDS = 20;
const GUARD_MS = 30_000;

// Through Vite, because the oldest Node that we support cannot read TypeScript.
const load = async (name) =>
  (await runnerImport(new URL(`../e2e/${name}.ts`, import.meta.url).pathname)).module;
const { hide, openBrowser, openPage, stateIs } = await load("browser");
const { heapOfADay } = await load("heap");
const { Mock } = await load("mock");

const report = (figure, value, digits, details = {}) => {
  console.log(JSON.stringify({ figure, value: Number(value.toFixed(digits)), ...details }));
};

/** From navigation until the badge is live: in the same commit, React draws the charts with ten minutes of samples. */
async function firstChartMs(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  // In the page, because polling from outside takes longer than what is measured.
  await page.addInitScript(() => {
    const observer = new MutationObserver(() => {
      if (document.querySelector("[data-testid=freshness][data-state=live]") === null) return;
      observer.disconnect();
      window.liveMs = performance.now();
    });
    observer.observe(document, { subtree: true, childList: true, attributes: true });
  });
  await page.goto(url);
  await stateIs(page, "live", GUARD_MS);
  const ms = await page.evaluate(() => window.liveMs);
  await context.close();
  return ms;
}

/** How much of a core the page's main thread uses, in thread time. */
async function cpuPercent(session, page) {
  const spent = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  };
  const before = await spent();
  await page.waitForTimeout(CPU_SECONDS * 1000);
  return (((await spent()) - before) / CPU_SECONDS) * 100;
}

const mock = await Mock.start();
const browser = await openBrowser();
try {
  const loads = [];
  for (let n = 0; n < LOADS; n += 1) loads.push(await firstChartMs(browser, mock.url));
  loads.sort((a, b) => a - b);
  const [least, most] = [loads[0], loads[LOADS - 1]].map(Math.round);
  report("first_chart_ms", loads[(LOADS - 1) / 2], 0, { least, most, loads: LOADS });

  const { page } = await openPage(browser, mock.url);
  await stateIs(page, "live", GUARD_MS);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  report("cpu_percent", await cpuPercent(session, page), 2, { seconds: CPU_SECONDS });
  await hide(page);
  report("cpu_percent_hidden", await cpuPercent(session, page), 2, { seconds: CPU_SECONDS });
  await page.context().close();

  const { hourMib, dayMib } = await heapOfADay(browser, mock.url);
  report("heap_mib_after_hour", hourMib, 1);
  report("heap_mib_after_day", dayMib, 1);
} finally {
  await browser.close();
  await mock.stop();
}
