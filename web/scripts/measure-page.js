/**
 * Measures the page: the time to the first chart, the CPU of the main thread, the heap, and slow lines; and the overview
 * with 1000 hosts, also while it scrolls. One JSON line per figure. With the mock host, and the browser, the slow line and
 * a day of samples. It prints figures and has no limits for them.
 * node scripts/measure-page.js [lines|overview] (after npm run build): only this part.
 */
import { runnerImport } from "vite";

const LOADS = 5;
const CPU_SECONDS = 20;
/** The past arrives in the first seconds; then the page is in the state in which it stays. */
const SETTLE_MS = 8000;
const GUARD_MS = 30_000;
const HOSTS = 1000;
const SCROLL_SECONDS = 5;

// Through Vite, because the oldest Node that we support cannot read TypeScript.
const load = async (name) =>
  (await runnerImport(new URL(`../e2e/${name}.ts`, import.meta.url).pathname)).module;
const { hide, openPage, openWholeBrowser, stateIs } = await load("browser");
const { heapAfter } = await load("heap");
const { Invented } = await load("invented");
const { Mock } = await load("mock");
const { SlowLine } = await load("slow-line");

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

/** Runs in the page: when it is live, has a minute and has ten minutes, and its longest task after it was loaded. */
function watchProgress() {
  const seen = (window.seen = { longestTaskMs: 0 });
  const note = (name) => (seen[name] ??= performance.now());
  new window.PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      if (seen.hasMinute && startTime > seen.hasMinute)
        seen.longestTaskMs = Math.max(seen.longestTaskMs, duration);
  }).observe({ type: "longtask" });
  window.addEventListener("load", () => note("loaded"));
  setInterval(() => {
    if (document.querySelector("[data-testid=freshness][data-state=live]")) note("live");
    const path = document.querySelector("[data-focus=cpu] .spark svg path")?.getAttribute("d");
    const points = path?.split(/[ML]/).length ?? 0;
    if (points > 55) note("hasMinute");
    if (points > 590) note("isComplete");
  }, 50);
}

/** A page with ten minutes of history over a slow line, until it has all of them or `seconds` are over. */
async function measureLine(browser, twists, bitsPerSecond, seconds) {
  const host = await Invented.start(...twists);
  const line = await SlowLine.start(host.port, bitsPerSecond / 8);
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  let bytes = 0;
  const requests = new Set();
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (request.url.includes("/api/v1/history")) requests.add(requestId);
  });
  session.on("Network.dataReceived", ({ requestId, encodedDataLength }) => {
    if (requests.has(requestId)) bytes += encodedDataLength;
  });
  await page.addInitScript(watchProgress);
  await page.goto(`${line.url}?window=600`, { timeout: 120_000 });
  const isComplete = page.waitForFunction(() => window.seen.isComplete, null, {
    timeout: seconds * 1000,
  });
  await isComplete.catch(() => undefined);
  const seen = await page.evaluate(() => window.seen);
  const textOf = async (id) =>
    (await page.locator(`[data-testid=${id}]`).allTextContents()).join(" ");
  const after = (at) => (at === undefined ? null : Math.round((at - seen.loaded) / 100) / 10);
  report("history_seconds", after(seen.isComplete) ?? NaN, 1, {
    host: twists.join() || "16",
    bitsPerSecond,
    liveSeconds: after(seen.live),
    minuteSeconds: after(seen.hasMinute),
    requests: requests.size,
    bytes,
    longestTaskMs: Math.round(seen.longestTaskMs),
    badge: await textOf("freshness"),
    note: await textOf("next-try"),
    missed: await textOf("missed"),
    panel: (await page.locator(".stream").allTextContents()).join(" "),
  });
  await context.close();
  line.close();
  await host.end();
}

async function measureLines(browser) {
  await measureLine(browser, [], 500_000, 90);
  await measureLine(browser, [], 64_000, 240);
  await measureLine(browser, ["256"], 100_000_000, 60);
  await measureLine(browser, ["256"], 10_000_000, 90);
}

/** The thread time that the page's main thread has used, in seconds. */
async function spent(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration").value;
}

/** How much of a core the page's main thread uses, in thread time. */
async function cpuPercent(session, page) {
  await page.waitForTimeout(SETTLE_MS);
  const before = await spent(session);
  await page.waitForTimeout(CPU_SECONDS * 1000);
  return (((await spent(session)) - before) / CPU_SECONDS) * 100;
}

const usedMib = async (session) => {
  for (let turn = 0; turn < 3; turn += 1) await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize / 2 ** 20;
};

/** Scroll by this many pixels in each frame, down and up again. Return the time from each frame to the next. */
const scroll = (page, step) =>
  page.evaluate(
    ([pixels, seconds]) =>
      new Promise((resolve) => {
        const frames = [];
        let direction = 1;
        const next = (at) => {
          frames.push(at);
          if (at - frames[0] > seconds * 1000) {
            resolve(frames.slice(1).map((time, index) => time - frames[index]));
            return;
          }
          const before = window.scrollY;
          window.scrollBy(0, pixels * direction);
          if (window.scrollY === before) direction = -direction;
          requestAnimationFrame(next);
        };
        requestAnimationFrame(next);
      }),
    [step, SCROLL_SECONDS],
  );

async function measureOverview(browser) {
  const mock = await Mock.start(`hosts-${HOSTS}`);
  try {
    for (const shape of ["table", "map"]) {
      const { page } = await openPage(browser, `${mock.url}?as=${shape}`);
      await stateIs(page, "live", GUARD_MS);
      const session = await page.context().newCDPSession(page);
      await session.send("Performance.enable", { timeDomain: "threadTicks" });
      const figure = (name) => `overview_${shape}_${name}`;
      const details = { hosts: HOSTS, seconds: CPU_SECONDS };
      report(figure("cpu_percent"), await cpuPercent(session, page), 2, details);
      report(figure("heap_mib"), await usedMib(session), 1);
      const elements = await page.evaluate(() => document.querySelectorAll("[data-host]").length);
      report(figure("rows_in_document"), elements, 0);
      await page.mouse.move(700, 400); // on the hosts, as it is when somebody scrolls
      for (const step of [40, 400]) {
        const before = await spent(session);
        const frames = (await scroll(page, step)).sort((a, b) => a - b);
        // Other work on the machine makes frames late, but not their thread time. 60 per second have 16.7 ms each.
        const mainMs = ((await spent(session)) - before) / frames.length;
        const perSecond = (1000 * frames.length) / frames.reduce((sum, ms) => sum + ms, 0);
        const p99 = Number(frames[Math.floor(frames.length * 0.99)].toFixed(1));
        const late = frames.filter((ms) => ms > 25).length;
        const scrolled = {
          step_px: step,
          main_thread_ms_per_frame: Number((mainMs * 1000).toFixed(1)),
          frame_ms_p99: p99,
          late_frames: late,
          frames: frames.length,
        };
        report(figure("scroll_frames_per_second"), perSecond, 1, scrolled);
      }
      report(figure("heap_mib_after_scrolling"), await usedMib(session), 1);
      await page.context().close();
    }
  } finally {
    await mock.stop();
  }
}

/** The longest tasks of the busiest main thread, in ms of CPU, the longest first. Recording makes them a little longer. */
async function longestTasksMs(browser, page) {
  const session = await browser.newBrowserCDPSession();
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["toplevel"] },
  });
  await page.waitForTimeout(CPU_SECONDS * 1000);
  const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  await session.send("Tracing.end");
  await complete;
  await session.detach();
  const threads = events.filter(
    ({ name, args }) => name === "thread_name" && args.name === "CrRendererMain",
  );
  const tasks = threads.map(({ pid, tid }) =>
    events
      .filter(
        (event) =>
          event.pid === pid && event.tid === tid && event.name === "ThreadControllerImpl::RunTask",
      )
      .map(({ tdur = 0 }) => tdur / 1000)
      .sort((one, other) => other - one),
  );
  return tasks.sort(([one = 0], [other = 0]) => other - one)[0] ?? [];
}

const LONG_TASK_MS = 30;

async function reportTasks(browser, page, host) {
  const tasks = await longestTasksMs(browser, page);
  report("longest_task_ms", tasks[0] ?? NaN, 1, {
    host,
    over30Ms: tasks.filter((ms) => ms > LONG_TASK_MS).length,
    seconds: CPU_SECONDS,
  });
}

/** The page of a host with 256 cores, with the chart of the cores, which is its most expensive view. */
async function manyCores(browser) {
  const mock = await Mock.start("256");
  const { page } = await openPage(browser, `${mock.url}?show=cpu.cores`);
  await stateIs(page, "live", GUARD_MS);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  report("cpu_percent_256_cores", await cpuPercent(session, page), 2, { seconds: CPU_SECONDS });
  await reportTasks(browser, page, "256");
  await page.context().close();
  await mock.stop();
}

/** The page of one host. */
async function measureHost(browser) {
  const mock = await Mock.start();
  try {
    await measurePage(browser, mock);
  } finally {
    await mock.stop();
  }
}

async function measurePage(browser, mock) {
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
  await reportTasks(browser, page, "16");
  await hide(page);
  report("cpu_percent_hidden", await cpuPercent(session, page), 2, { seconds: CPU_SECONDS });
  await page.context().close();

  await manyCores(browser);

  const { hourMib, endMib } = await heapAfter(24, browser, mock.url);
  report("heap_mib_after_hour", hourMib, 1);
  report("heap_mib_after_day", endMib, 1);
}

const part = process.argv[2];
const browser = await openWholeBrowser(); // as users have it
try {
  if (part === undefined) await measureHost(browser);
  if (part !== "overview") await measureLines(browser);
  if (part !== "lines") await measureOverview(browser);
} finally {
  await browser.close();
}
