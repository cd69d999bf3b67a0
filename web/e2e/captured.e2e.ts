/** The page with the real program on captured hosts: it shows what each host has, and no empty place for the rest. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { GUARD_MS, openBrowser, openPage, shoot, stateIs, textOf } from "./browser";
import { Server } from "./server";

const folder = join(import.meta.dirname, "../../tests/fixtures/hosts");
const hosts = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

let browser: Browser;
let server: Server;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
});

afterEach(async () => {
  await server.end();
});

interface Sample {
  memory: { total_bytes: number };
  swap?: { total_bytes: number };
  load: { avg1: number };
  pressure?: object;
  disks?: { name: string }[];
  interfaces?: { name: string }[];
  temperatures?: { chip: string }[];
}

/** What the page shows of a sample and what it should show, where these differ. */
async function differencesOf(page: Page, sample: Sample): Promise<unknown[]> {
  const count = (selector: string) => page.locator(selector).count();
  const { memory, swap, load, pressure, disks = [], interfaces = [], temperatures = [] } = sample;
  const total = amountOf(await textOf(page, "[data-focus=memory] .aside"));
  const details = await textOf(page, "[data-focus=memory] .details");
  const pairs: [name: string, shown: unknown, expected: unknown][] = [
    ["memory", Math.abs(total / (memory.total_bytes / 2 ** 30) - 1) < 0.01, true],
    ["swap", details.includes("none") || swap?.total_bytes !== 0, true],
    ["load", await textOf(page, "[data-focus=load] .numeral .value"), load.avg1.toFixed(2)],
    // The files never change, so the CPU counters do not advance. Then its use is not known, which is not 0 %.
    ["cpu", await textOf(page, "[data-testid=cpu]"), "–"],
    ["pressure", await count(".chart b:text-is('Pressure')"), pressure === undefined ? 0 : 1],
    ["disks", await count(".disks [data-row]"), disks.length],
    ["interfaces", await count(".interfaces [data-row]"), interfaces.length],
    ["heat", await count("[data-focus=heat]"), temperatures.length > 0 ? 1 : 0],
  ];
  return pairs.filter(([, shown, expected]) => shown !== expected);
}

describe.each(hosts)("%s", (host) => {
  it("is shown with its own numbers", async () => {
    const tree = join(folder, host, "t0");
    server = await Server.start("--proc-root", join(tree, "proc"), "--sys-root", join(tree, "sys"));
    const { page, complaints } = await openPage(browser, server.url);
    await stateIs(page, "live");
    // By then, mounts and sensors, which are read by slow workers, have values.
    await expect
      .poll(() => textOf(page, "[data-testid=missed]"), { timeout: GUARD_MS })
      .toMatch(/of ([3-9]|\d\d)/);
    // The page may be one sample behind or ahead.
    const differences = async () => differencesOf(page, await server.json<Sample>("api/v1/sample"));
    await expect.poll(differences, { timeout: GUARD_MS }).toEqual([]);
    await shoot(page, `captured-${host}`);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

/** `of 62.7 GiB`, in GiB. */
function amountOf(text: string): number {
  const [, value, unit] = /([\d.]+) (MiB|GiB|TiB)/.exec(text) ?? [];
  return Number(value) * { MiB: 1 / 1024, GiB: 1, TiB: 1024 }[unit as "MiB" | "GiB" | "TiB"];
}
