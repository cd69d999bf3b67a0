/** A page with a mock host, which takes one look after the other, because opening another page takes longer than the checks. */
import { expect } from "vitest";
import type { Browser, CDPSession, Page } from "playwright-core";

import { frames, GUARD_MS, NO_SERVER, openPage, stateIs, type Watched } from "./browser";
import { Mock } from "./mock";

export interface Look {
  readonly name: string;
  readonly size: readonly [width: number, height: number];
  readonly scheme?: "dark" | "light";
  readonly query?: string;
  readonly forcedColours?: boolean;
  /** The default font of the reader, in pixels. */
  readonly font?: number;
}

export class Model {
  readonly watched: Watched;
  readonly #mock: Mock;
  readonly #session: CDPSession;
  #query = "";
  #hasServer = true;

  private constructor(mock: Mock, watched: Watched, session: CDPSession) {
    this.#mock = mock;
    this.watched = watched;
    this.#session = session;
  }

  static async start(browser: Browser, ...twists: string[]): Promise<Model> {
    const mock = await Mock.start(...twists);
    const watched = await openPage(browser, mock.url);
    await stateIs(watched.page, "live");
    return new Model(mock, watched, await watched.page.context().newCDPSession(watched.page));
  }

  get page(): Page {
    return this.watched.page;
  }

  get mock(): Mock {
    return this.#mock;
  }

  async take({ size, scheme = "dark", query = "", forcedColours, font = 16 }: Omit<Look, "name">) {
    const { page } = this;
    const [width, height] = size;
    await page.setViewportSize({ width, height });
    await page.emulateMedia({
      colorScheme: scheme,
      forcedColors: forcedColours === true ? "active" : "none",
    });
    await this.#session.send("Page.setFontSizes", { fontSizes: { standard: font } });
    if (query !== this.#query) {
      await page.goto(`${this.#mock.url}${query}`);
      this.#query = query;
    }
    await stateIs(page, "live");
    await page.evaluate(() => window.dispatchEvent(new Event("resize"))); // a font has no event
    await page.locator(".processes").scrollIntoViewIfNeeded();
    await page.locator("[data-pid]").first().waitFor({ timeout: GUARD_MS });
    await page.evaluate(() => {
      window.scrollTo(0, 0);
    });
    await frames(page);
  }

  /** From now on, what the page loads later (icons of the tab, explanations) is not answered. */
  async endServer(): Promise<void> {
    expect(this.watched.complaints).toEqual([]);
    this.#hasServer = false;
    await this.page.mouse.move(0, 0); // no explanation is loaded then
    await this.#mock.stop();
  }

  async stop(): Promise<void> {
    await this.page.context().close();
    await this.#mock.stop();
    const { complaints } = this.watched;
    const expected = this.#hasServer ? /^$/ : NO_SERVER;
    expect(complaints.filter((text) => !expected.test(text))).toEqual([]);
  }
}

/** How many pixels the content is wider than the window. */
export const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
