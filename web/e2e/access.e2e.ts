/** The page with the real program: with tokens, behind a proxy, and with a limit for viewers. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server as Listener } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import {
  GUARD_MS,
  NO_LOGIN,
  openBrowser,
  openPage,
  shoot,
  stateIs,
  textOf,
  violations,
  type Watched,
} from "./browser";
import { Server } from "./server";

const KITCHEN = "kitchen-kitchen-kitchen";
const folder = mkdtempSync(join(tmpdir(), "telemetry-"));
const tokens = join(folder, "tokens");

let browser: Browser;
let server: Server;
const watched: Watched[] = [];

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});
afterEach(async () => {
  const opened = watched.splice(0);
  await Promise.all(opened.map(({ page }) => page.context().close()));
  const complaints = opened.flatMap((one) => one.complaints);
  expect(complaints.filter((text) => !provoked.test(text))).toEqual([]);
});
/** What the browser complains about until the page is closed. */
let provoked = NO_LOGIN;
beforeEach(() => {
  provoked = NO_LOGIN;
});

/** One server for all tests of a group, because starting it takes longer than most tests. */
function startForAll(...options: string[]): void {
  beforeAll(async () => {
    writeFileSync(tokens, `kitchen ${KITCHEN}\nhall hall-hall-hall-hall\n`, { mode: 0o600 });
    server = await Server.start(...options);
  });
  afterAll(() => server.end());
}

async function open(
  ...args: Parameters<typeof openPage> extends [Browser, ...infer R] ? R : never
) {
  const opened = await openPage(browser, ...args);
  watched.push(opened);
  return opened.page;
}

describe("with tokens", () => {
  startForAll("--token-file", tokens);

  const logIn = async () => {
    const page = await open(`${server.url}?token=${KITCHEN}&focus=disk`);
    await stateIs(page, "live");
    return page;
  };
  const loginForm = "form input[type=password]";

  it("a token in the address leads to the page, which shows its name and can log out", async () => {
    const page = await logIn();
    await page.waitForURL(`${server.url}?focus=disk`, { timeout: GUARD_MS });
    expect(await textOf(page, "[data-testid=user]")).toBe("kitchen");
    expect(await violations(page, "header")).toEqual([]);
    await page.getByRole("button", { name: "Log out" }).press("Enter");
    await page.locator(loginForm).waitFor({ timeout: GUARD_MS });
    await page.goto(server.url);
    expect(await page.locator(loginForm).count()).toBe(1);
    expect(await violations(page, "main")).toEqual([]);
    expect(
      await page.locator("h1").evaluate((heading) => getComputedStyle(heading).marginTop),
    ).toBe(
      "0px", // the Content-Security-Policy allows the page's own style
    );
  });

  /** The addresses in the history of the tab. */
  const visited = async (page: Page): Promise<string[]> => {
    const tools = await page.context().newCDPSession(page);
    const { entries } = await tools.send("Page.getNavigationHistory");
    return entries.map(({ url }) => url);
  };

  it("a token behind # logs in, and stays neither in the address nor in the history of the tab", async () => {
    await logIn();
    const page = await open(`${server.url}?focus=disk#token=${KITCHEN}`);
    await stateIs(page, "live");
    expect(await visited(page)).toEqual(["about:blank", `${server.url}?focus=disk`]);
    // With another token, in the same tab: the page is open, so only the part behind # changes.
    await page.goto(`${server.url}?focus=disk#token=hall-hall-hall-hall`);
    await page.locator("[data-testid=user]").getByText("hall").waitFor({ timeout: GUARD_MS });
    expect(new Set(await visited(page))).toEqual(
      new Set(["about:blank", `${server.url}?focus=disk`]),
    );
    // A wrong token does not end the login.
    await page.goto(`${server.url}?focus=disk#token=wrong-wrong-wrong-wrong`);
    await page.waitForURL(`${server.url}?focus=disk`);
    await stateIs(page, "live");
    expect(await textOf(page, "[data-testid=user]")).toBe("hall");
  });

  it("a wrong token is announced, is removed from the address, and can be corrected", async () => {
    const alert = (page: Page) => page.getByRole("alert").getByText("Invalid token");
    const old = await open(`${server.url}?token=wrong-wrong-wrong-wrong&focus=disk`);
    await alert(old).waitFor({ timeout: GUARD_MS });
    await old.waitForURL(`${server.url}?focus=disk`, { timeout: GUARD_MS });
    const page = await open(`${server.url}?focus=disk#token=wrong-wrong-wrong-wrong`);
    await alert(page).waitFor({ timeout: GUARD_MS });
    await page.waitForURL(`${server.url}?focus=disk`, { timeout: GUARD_MS });
    expect(await violations(page, "main")).toEqual([]);
    await page.locator(loginForm).fill("größe-größe-größe");
    await page.locator("form button").click();
    await alert(page).waitFor({ timeout: GUARD_MS });
    await page.locator(loginForm).fill(` ${KITCHEN} `);
    await page.locator("form button").press("Enter");
    await stateIs(page, "live");
    expect(await visited(page)).toEqual(["about:blank", `${server.url}?focus=disk`]);
  });

  it("a link on a page of another site leads to the page, with a login and with a token", async () => {
    const first = await logIn();
    const page = await first.context().newPage();
    const follow = async (link: string) => {
      // Another site: a name is not the same site as an address.
      await page.goto(`http://localhost:${server.port}/healthz`);
      await page.evaluate((href) => {
        document.body.innerHTML = `<a href="${href}">link</a>`;
      }, link);
      await page.locator("a").click();
      await stateIs(page, "live");
    };
    await follow(server.url);
    await page.context().clearCookies();
    await follow(`${server.url}#token=${KITCHEN}`);
    await page.waitForURL(server.url, { timeout: GUARD_MS });
  });

  it("logging out ends the other tabs of the browser", async () => {
    const page = await logIn();
    const other = await page.context().newPage();
    await other.goto(server.url);
    await stateIs(other, "live");
    await page.getByRole("button", { name: "Log out" }).click();
    await other.locator(loginForm).waitFor({ timeout: GUARD_MS });
  });

  it("a failed log-out is shown, and the page stays live", async () => {
    const page = await logIn();
    provoked = new RegExp(`${NO_LOGIN.source}|logout|ERR_FAILED`);
    await page.route("**/logout", (route) => route.abort());
    const sockets: string[] = [];
    page.on("websocket", (socket) => {
      // A table that was loaded late has a connection of its own.
      if (!new URL(socket.url()).searchParams.has("sections")) sockets.push(socket.url());
    });
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("alert").getByText("not reachable").waitFor({ timeout: GUARD_MS });
    expect(await violations(page, "header")).toEqual([]);
    await stateIs(page, "live");
    expect(sockets).toEqual([]); // on the same connection
  });

  // The last one, because it changes the tokens.
  it("a revoked token leads to the login page", async () => {
    const page = await logIn();
    writeFileSync(tokens, "hall hall-hall-hall-hall\n");
    server.reload();
    await page.locator(loginForm).waitFor({ timeout: GUARD_MS });
  });
});

describe("behind a proxy with a prefix", () => {
  startForAll("--token-file", tokens);

  let proxy: Listener;
  afterEach(() => proxy.close());

  /** Removes the prefix from each request and forwards everything else. */
  const startProxy = async (port: number): Promise<string> => {
    proxy = createServer((client) => {
      const upstream = connect(port, "127.0.0.1");
      client.on("data", (data) => {
        upstream.write(data.toString("latin1").replace(/^(GET|POST) \/tele\//, "$1 /"), "latin1");
      });
      upstream.pipe(client);
      client.on("close", () => upstream.destroy()).on("error", () => upstream.destroy());
      upstream.on("close", () => client.destroy()).on("error", () => client.destroy());
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/tele/`;
  };

  it("the login form and the log-out lead to addresses with the prefix", async () => {
    const address = await startProxy(Number(server.port));
    const page = await open(address);
    await page.locator("form input").fill(KITCHEN);
    await page.locator("form button").click();
    await stateIs(page, "live");
    await page.waitForURL(address, { timeout: GUARD_MS });
    await page.getByRole("button", { name: "Log out" }).click();
    await page.locator("form button").waitFor({ timeout: GUARD_MS });
    await page.waitForURL(address, { timeout: GUARD_MS });
  });
});

describe("with a limit of one viewer", () => {
  startForAll("--max-viewers", "1");

  it("the second page shows the server's reason, and connects when the first one has left", async () => {
    const first = await open(server.url);
    await stateIs(first, "live");
    const second = await open(server.url);
    await stateIs(second, "refused");
    const answer = await server.json<{ error: string }>("api/v1/stream");
    expect(await textOf(second, "[data-testid=next-try]")).toContain(answer.error);
    expect(await violations(second, "header")).toEqual([]);
    await shoot(second, "refused");
    await first.close();
    await stateIs(second, "live");
  });
});
