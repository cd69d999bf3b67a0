/** The page with the real program on captured hosts: it shows what each host has, and no empty place for the rest. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { GUARD_MS, openBrowser, openPage, shoot, stateIs, textOf } from "./browser";
import { Server } from "./server";

const folder = join(import.meta.dirname, "../../tests/fixtures/hosts");
const hosts = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

let browser: Browser;
let server: Server | null = null;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
});

afterEach(async () => {
  await server?.end();
  server = null;
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

describe.each(hosts)("%s", (host) => {
  it("is shown with its own numbers", async () => {
    const tree = join(folder, host, "t0");
    server = await Server.start("--proc-root", join(tree, "proc"), "--sys-root", join(tree, "sys"));
    const { page, complaints } = await openPage(browser, server.url);
    await stateIs(page, "live");
    // By then, mounts and sensors, which are read by slow workers, have values.
    await expect
      .poll(() => textOf(page, "[data-testid=missed]"), { timeout: GUARD_MS })
      .toMatch(/of [3-9]/);
    const sample = await server.json<Sample>("api/v1/sample");
    await shoot(page, `captured-${host}`);

    const gib = sample.memory.total_bytes / 2 ** 30;
    const total = await textOf(page, "[data-focus=memory] .aside");
    expect(Math.abs(amountOf(total) / gib - 1)).toBeLessThan(0.01);
    expect(await textOf(page, "[data-focus=load] .numeral .value")).toBe(
      sample.load.avg1.toFixed(2),
    );
    // The files never change, so the CPU counters do not advance. Then its use is not known, which is not 0 %.
    expect(await textOf(page, "[data-testid=cpu]")).toBe("–");
    const shown = async (selector: string) => page.locator(selector).count();
    expect(await shown(".chart b:text-is('Pressure')")).toBe(sample.pressure === undefined ? 0 : 1);
    expect(await shown(".disks [data-row]")).toBe(sample.disks?.length ?? 0);
    expect(await shown(".interfaces [data-row]")).toBe(sample.interfaces?.length ?? 0);
    expect(await shown("[data-focus=heat]")).toBe((sample.temperatures?.length ?? 0) > 0 ? 1 : 0);
    if (sample.swap?.total_bytes === 0)
      expect(await textOf(page, "[data-focus=memory] .details")).toContain("none");
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

/** `of 62.7 GiB`, in GiB. */
function amountOf(text: string): number {
  const [, value, unit] = /([\d.]+) (MiB|GiB|TiB)/.exec(text) ?? [];
  return Number(value) * { MiB: 1 / 1024, GiB: 1, TiB: 1024 }[unit as "MiB" | "GiB" | "TiB"];
}
