/** Alerts of the real program on the page: they fire, mark what they are about, notify from one tab, and resolve. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { GUARD_MS, openBrowser, openPage, stateIs } from "./browser";
import { Server } from "./server";

const RULE = `
defaults = false
[[rule]]
name = "up"
critical = "load.avg1 >= 0"
for = "0s"
resolve_after = "1s"
text = "<b>the load is known</b>"
`;

/** Keeps the notifications instead of showing them. */
const recordNotifications = () => {
  const shown: string[] = [];
  class Recorder {
    static readonly permission = "granted";
    static requestPermission = () => Promise.resolve("granted");
    onclick = null;
    constructor(title: string, { body }: { body: string }) {
      shown.push(`${title}: ${body}`);
    }
  }
  Object.assign(window, { Notification: Recorder, shown });
};
const shownIn = (page: Page) =>
  page.evaluate(() => (window as unknown as { shown: string[] }).shown);

it("an alert is on the page and in its tab, notifies once from one tab, and resolves", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rules-"));
  const rules = join(folder, "rules.toml");
  writeFileSync(rules, RULE);
  const [browser, server] = await Promise.all([
    openBrowser(),
    Server.start("--rules", rules, "--host-id", "alerted"),
  ]);
  try {
    const { page, complaints } = await openPage(browser, server.url);
    const context = page.context();
    await context.addInitScript(recordNotifications);
    const strip = page.getByRole("region", { name: "Alerts" });
    await strip.getByText("<b>the load is known</b>").waitFor({ timeout: GUARD_MS });
    await expect.poll(() => page.title(), { timeout: GUARD_MS }).toMatch(/^■ .* · <b>the load/);
    await page.locator("[data-focus=load] .alerted.critical").waitFor({ timeout: GUARD_MS });

    // A reload neither asks nor repeats.
    const reload = async () => {
      await page.reload();
      await stateIs(page, "live");
    };
    await reload();
    expect(await shownIn(page)).toEqual([]);
    await page.keyboard.press("w");
    const dialog = page.getByTestId("alert-dialog");
    await dialog.getByText("critical").waitFor({ timeout: GUARD_MS });
    await dialog.getByRole("button", { name: "Notify me" }).click();
    await expect.poll(() => shownIn(page), { timeout: GUARD_MS }).toHaveLength(1);
    const other = await context.newPage();
    await other.goto(server.url);
    await stateIs(other, "live");
    const both = async () => [...(await shownIn(page)), ...(await shownIn(other))];
    await expect.poll(both, { timeout: GUARD_MS }).toHaveLength(1);
    expect((await both())[0]).toMatch(/: critical: <b>the load is known<\/b>$/);
    await reload();

    writeFileSync(rules, "defaults = false\n");
    server.reload();
    await expect
      .poll(both, { timeout: GUARD_MS })
      .toEqual([expect.stringMatching(/: resolved: <b>the load is known<\/b>$/)]);
    await expect.poll(() => page.title(), { timeout: GUARD_MS }).not.toContain("■");
    await page.keyboard.press("w");
    await dialog.getByText("Nothing fires.").waitFor({ timeout: GUARD_MS });
    await dialog.locator('[data-rule="up"]').waitFor({ timeout: GUARD_MS });
    expect(complaints).toEqual([]);
  } finally {
    await Promise.all([browser.close(), server.end()]);
    rmSync(folder, { recursive: true });
  }
});

it("the overview notifies of the alerts of its hosts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rules-"));
  const rules = join(folder, "rules.toml");
  writeFileSync(rules, RULE);
  const none = join(folder, "none.toml");
  writeFileSync(none, "defaults = false\n");
  const [browser, agent] = await Promise.all([
    openBrowser(),
    Server.start("--rules", rules, "--host-id", "watched"),
  ]);
  const front = await Server.start("--watch", agent.url, "--rules", none, "--host-id", "front");
  try {
    const { page, complaints } = await openPage(browser, front.url);
    await page.context().addInitScript(recordNotifications);
    await page.reload();
    await page.locator(".hosts").waitFor({ timeout: GUARD_MS });
    await page.keyboard.press("Control+k");
    const commands = page.getByTestId("commands");
    await commands.getByRole("combobox").fill("notify");
    await commands.getByText("notify me of alerts").waitFor({ timeout: GUARD_MS });
    await page.keyboard.press("Enter");
    const shown = () => shownIn(page);
    await expect
      .poll(shown, { timeout: GUARD_MS })
      .toEqual([expect.stringMatching(/: critical: <b>the load is known<\/b>$/)]);
    writeFileSync(rules, "defaults = false\n");
    agent.reload();
    await expect
      .poll(shown, { timeout: GUARD_MS })
      .toEqual([
        expect.stringMatching(/: critical: /),
        expect.stringMatching(/: resolved: <b>the load is known<\/b>$/),
      ]);
    expect(complaints).toEqual([]);
  } finally {
    await Promise.all([browser.close(), agent.end(), front.end()]);
    rmSync(folder, { recursive: true });
  }
});
