// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterAll, afterEach, beforeEach, expect, it, vi } from "vitest";

import type { Load } from "../../src/parts/loaded";
import { createStore } from "../../src/store/create-store";
import { DEFAULT_VIEW } from "../../src/store/view";
import { installDom } from "../support/dom";
import { answer, fakeBrowser, noAnswer } from "../support/fake-browser";
import { FakeSocket } from "../support/fake-socket";

vi.mock("../../src/shell/kiosk", () => {
  throw new TypeError("Failed to fetch");
});

// The tests of this worker share the loaded modules, but in other tests parts have failed.
vi.resetModules();
const { reloadIncomplete } = await import("../../src/app/reload-incomplete");
const { createPage } = await import("../../src/app/create-page");
const { Page } = await import("../../src/app/page");
const { usePart } = await import("../../src/parts/loaded");

afterAll(() => {
  vi.resetModules();
});

const SECONDS = 1000;
const MINUTES = 60 * SECONDS;

let isBroken: boolean;
/** Another one for each test: what was loaded once stays. */
let load: Load<object>;
let browser: ReturnType<typeof fakeBrowser>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(AbortSignal, "timeout").mockReturnValue(new AbortController().signal);
  localStorage.clear();
  isBroken = true;
  load = () =>
    isBroken ? Promise.reject(new TypeError("Failed to fetch")) : Promise.resolve(Nothing);
  browser = fakeBrowser();
  browser.fetch.mockImplementation(() => Promise.resolve(answer(200)));
});
afterEach(async () => {
  isBroken = false;
  await show(); // else it stays failed in the next test
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const Nothing = () => null;
function Part() {
  usePart(load);
  return null;
}

/** Show the part for a moment. */
async function show(): Promise<void> {
  const { unmount } = render(<Part />);
  await pass(0);
  unmount();
}

/** Begin as a page that was loaded now. */
const begin = (kiosk = true) => {
  const view = createStore({ ...DEFAULT_VIEW, kiosk });
  return { view, end: reloadIncomplete(view, "http://ada/", browser) };
};

it("reloads a page on a wall after a while, and after a longer one the next time", async () => {
  for (const seconds of [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]) {
    browser.reload.mockClear();
    const { end } = begin();
    await show();
    await pass(seconds * SECONDS - 1);
    expect(browser.reload).not.toHaveBeenCalled();
    await pass(1);
    expect(browser.reload).toHaveBeenCalledOnce();
    end();
  }
  await pass(121 * MINUTES); // it was complete for long
  const { end } = begin();
  await show();
  await pass(30 * SECONDS);
  expect(browser.reload).toHaveBeenCalledTimes(2);
  end();
});

it("waits until the server has the page", async () => {
  const { end } = begin();
  browser.fetch.mockImplementation(noAnswer);
  await show();
  await pass(30 * SECONDS);
  browser.fetch.mockImplementation(() => Promise.resolve(answer(503)));
  await pass(60 * SECONDS);
  expect(browser.fetch).toHaveBeenCalledTimes(2);
  expect(browser.reload).not.toHaveBeenCalled();
  browser.fetch.mockImplementation(() => Promise.resolve(answer(200)));
  await pass(2 * MINUTES);
  expect(browser.reload).toHaveBeenCalledOnce();
  end();
});

it("has one wait at a time, also if one begins while the server answers", async () => {
  const { view, end } = begin();
  let answerNow = (): void => undefined;
  browser.fetch.mockImplementation(
    () =>
      new Promise((resolve) => {
        answerNow = () => {
          resolve(answer(503));
        };
      }),
  );
  await show();
  await pass(30 * SECONDS);
  view.set({ ...DEFAULT_VIEW, kiosk: false });
  view.set({ ...DEFAULT_VIEW, kiosk: true });
  answerNow();
  await pass(60 * SECONDS);
  answerNow();
  await pass(119 * SECONDS);
  expect(browser.fetch).toHaveBeenCalledTimes(2);
  await pass(1 * SECONDS);
  expect(browser.fetch).toHaveBeenCalledTimes(3);
  end();
  answerNow();
  await pass(120 * MINUTES);
  expect(browser.fetch).toHaveBeenCalledTimes(3);
});

it("leaves a page alone where somebody can press the button", async () => {
  const { view, end } = begin(false);
  await show();
  await pass(120 * MINUTES);
  expect(browser.fetch).not.toHaveBeenCalled();
  view.set({ ...DEFAULT_VIEW, kiosk: true });
  view.set({ ...DEFAULT_VIEW, kiosk: false });
  await pass(120 * MINUTES);
  expect(browser.fetch).not.toHaveBeenCalled();
  end();
});

it("does not reload if the part was loaded meanwhile, nor after the end", async () => {
  const { end } = begin();
  await show();
  isBroken = false;
  await show();
  await pass(120 * MINUTES);
  isBroken = true;
  load = () => Promise.reject(new TypeError("Failed to fetch"));
  end();
  await show();
  await pass(120 * MINUTES);
  expect(browser.fetch).not.toHaveBeenCalled();
});

// The last one of this file: it stays failed.
it("reloads the whole page if it cannot keep the screen on, because that part could not be loaded", async () => {
  installDom();
  const view = { ...DEFAULT_VIEW, kiosk: true };
  const page = createPage("http://ada/", view, { WebSocket: FakeSocket, ...browser });
  const end = page.start();
  render(<Page page={page} Dashboard={() => null} />);
  await vi.dynamicImportSettled();
  await pass(0);
  expect(screen.getByText(/could not be loaded/)).toBeTruthy();
  await pass(30 * SECONDS);
  expect(browser.reload).toHaveBeenCalledOnce();
  end();
});
