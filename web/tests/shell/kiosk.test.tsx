// @vitest-environment jsdom
import { act, cleanup, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { createPage } from "../../src/app/create-page";
import { Page } from "../../src/app/page";
import { DEFAULT_VIEW } from "../../src/store/view";
import { installDom } from "../support/dom";
import { fakeBrowser } from "../support/fake-browser";
import { FakeSocket } from "../support/fake-socket";

const release = vi.fn(() => Promise.resolve());
const request = vi.fn(() => Promise.resolve({ release }));
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  installDom();
  Object.defineProperty(navigator, "wakeLock", { value: { request }, configurable: true });
});
afterEach(() => {
  cleanup();
  stop();
  Reflect.deleteProperty(navigator, "wakeLock");
  vi.useRealTimers();
});

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

/** Show a page on a wall, with nothing else on it. */
async function show() {
  const view = { ...DEFAULT_VIEW, kiosk: true };
  const page = createPage("http://ada/", view, { WebSocket: FakeSocket, ...fakeBrowser() });
  stop = page.start();
  render(<Page page={page} Dashboard={() => null} />);
  await vi.dynamicImportSettled();
  await pass(0);
  return page;
}

it("keeps the screen on while the page is shown in kiosk mode", async () => {
  const page = await show();
  expect(request).toHaveBeenCalledExactlyOnceWith("screen");
  document.dispatchEvent(new Event("visibilitychange")); // the browser has released it meanwhile
  expect(request).toHaveBeenCalledTimes(2);
  await pass(0);
  expect(release).not.toHaveBeenCalled();
  act(() => {
    page.view.set(DEFAULT_VIEW);
  });
  expect(release).toHaveBeenCalledOnce();
});

it("shifts the page by a pixel every ten minutes, until kiosk mode ends", async () => {
  const page = await show();
  const root = document.documentElement.style;
  const shift = () => [root.getPropertyValue("--shift-x"), root.getPropertyValue("--shift-y")];
  await pass(600_000);
  expect(shift()).toEqual(["1px", "0px"]);
  await pass(600_000);
  expect(shift()).toEqual(["0px", "1px"]);
  act(() => {
    page.view.set(DEFAULT_VIEW);
  });
  expect(shift()).toEqual(["", ""]);
});
