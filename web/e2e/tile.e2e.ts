/** The page as a tile: in a frame of a page with another host name, over https. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as Listener } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser, FrameLocator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";

import { GUARD_MS, openWholeBrowser } from "./browser";
import { Server } from "./server";

const KITCHEN = "kitchen-kitchen-kitchen";
const CERTIFICATE = join(import.meta.dirname, "../../tests/fixtures/tls/localhost.pem");
const folder = mkdtempSync(join(tmpdir(), "telemetry-"));

let browser: Browser;
let server: Server;
let home: Listener;

beforeAll(async () => {
  const tokens = join(folder, "tokens");
  writeFileSync(tokens, `kitchen ${KITCHEN}\n`, { mode: 0o600 });
  server = await Server.start(
    ...["--tls-cert", CERTIFICATE, "--tls-key", CERTIFICATE, "--token-file", tokens],
    ...["--allow-host", "box.example", "--frame-ancestors", "https://home.test:*"],
  );
  browser = await openWholeBrowser(
    "--host-resolver-rules=MAP box.example 127.0.0.1, MAP home.test 127.0.0.1, MAP evil.test 127.0.0.1",
    // As in browsers that block cookies of other sites, unless they are partitioned.
    "--test-third-party-cookie-phaseout",
  );
  const pem = readFileSync(CERTIFICATE);
  home = createServer({ cert: pem, key: pem }, (_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(
      `<iframe src="https://box.example:${server.port}/" width=1200 height=800></iframe>`,
    );
  }).listen(0, "127.0.0.1");
  await once(home, "listening");
});
afterAll(async () => {
  await browser.close();
  home.close();
  await server.end();
  rmSync(folder, { recursive: true });
});

const address = (name: string) => `https://${name}:${(home.address() as AddressInfo).port}/`;
const field = "form input[type=password]";

async function openHome(): Promise<{ page: Page; tile: FrameLocator }> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(address("home.test"));
  return { page, tile: page.frameLocator("iframe") };
}

async function live(tile: FrameLocator): Promise<void> {
  await tile.locator("[data-testid=freshness][data-state=live]").waitFor({ timeout: GUARD_MS });
}

it("a tile on another host logs in, stays logged in, and logs out", async () => {
  const { page, tile } = await openHome();
  await tile.locator(field).fill(KITCHEN);
  await tile.locator("form button").click();
  await live(tile);
  const cookies = await page.context().cookies(`https://box.example:${server.port}/`);
  expect(cookies).toHaveLength(1);
  expect(cookies[0]).toMatchObject({ sameSite: "None", secure: true, httpOnly: true });
  await page.reload();
  await live(tile);
  await tile.getByRole("button", { name: "Log out" }).click();
  await tile.locator(field).waitFor({ timeout: GUARD_MS });
  await page.reload();
  await tile.locator(field).waitFor({ timeout: GUARD_MS });
  await page.context().close();
});

it("another site gets neither the page nor an answer, although a tile is logged in", async () => {
  const { page, tile } = await openHome();
  await tile.locator(field).fill(KITCHEN);
  await tile.locator("form button").click();
  await live(tile);
  const evil = await page.context().newPage();
  const blocked = evil.waitForEvent("console", {
    predicate: (message) => message.text().includes("frame-ancestors"),
    timeout: GUARD_MS,
  });
  await evil.goto(address("evil.test"));
  await blocked;
  const failed = evil.waitForEvent("requestfailed", {
    predicate: (request) => request.url().includes("/api/v1/stream"),
    timeout: GUARD_MS,
  });
  await evil.evaluate(async (url) => {
    await fetch(url, { mode: "no-cors", credentials: "include" }).catch(() => null);
  }, `https://box.example:${server.port}/api/v1/stream`);
  await failed;
  await page.context().close();
});
