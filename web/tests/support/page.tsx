/** The whole page, with sockets whose server is the test. For each test of a file that calls `installPage`. */
import { act, cleanup, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, vi } from "vitest";

import { createPage, type Hosts } from "../../src/app/create-page";
import { Dashboard } from "../../src/app/dashboard";
import { Page } from "../../src/app/page";
import { loadParts } from "../../src/parts/loaded";
import { installDom } from "./dom";
import { answer, fakeBrowser, noAnswer } from "./fake-browser";
import { FakeSocket } from "./fake-socket";
import { golden } from "./frames";

/** Lets time pass on the fake clock, by default until everything that arrived is drawn. */
export const settle = (ms = 30) => act(() => vi.advanceTimersByTimeAsync(ms));
/** Waits for the parts of the page that are loaded later. */
export const settleImports = async () => {
  await vi.dynamicImportSettled();
  await settle();
};
export const badge = () => screen.getByTestId("freshness").dataset["state"];
/** The sockets of the page's own stream, and those of the process table. */
export const streams = () => FakeSocket.all.filter((socket) => !socket.query.has("sections"));
export const tables = () => FakeSocket.all.filter((socket) => socket.query.has("sections"));
export const lastStream = () => {
  const socket = streams().at(-1);
  if (socket === undefined) throw new Error("no socket was made");
  return socket;
};
export const value = (id: string) => screen.getByTestId(id).textContent;

/** Opens the stream and sends these messages; without any, the golden ones. */
export async function connect(...messages: readonly string[]): Promise<void> {
  lastStream().open();
  const sent = messages.length > 0 ? messages : ["hello", "sample"].map(golden);
  for (const message of sent) lastStream().receive(message);
  await settle();
}

/** A server that answers nothing, but has no samples of the past. */
const respond = (address: string): Promise<Response> =>
  address.includes("/history")
    ? Promise.resolve(answer(200, '{"type":"history","samples":[]}'))
    : noAnswer();

/** Returns the browser of each test's page, which is that of a server with one host, or of a front end. */
export function installPage(hosts?: Hosts): ReturnType<typeof fakeBrowser> {
  const browser = fakeBrowser();
  const { stackTraceLimit } = Error;
  let stop: () => void;

  beforeEach(async () => {
    await loadParts(); // else it depends on the other tests of the worker which of them are there
    // React keeps a stack for each element that it makes. With ten frames, this took a quarter of the time.
    Error.stackTraceLimit = 3;
    vi.useFakeTimers();
    FakeSocket.all = [];
    installDom();
    Object.assign(browser, fakeBrowser());
    browser.fetch.mockImplementation(respond);
    const environment = { WebSocket: FakeSocket, random: () => 0.5, ...browser };
    const page = createPage("http://ada/", undefined, environment, hosts);
    stop = page.start();
    render(
      <StrictMode>
        <Page page={page} Dashboard={Dashboard} />
      </StrictMode>,
    );
    await settle();
  });

  afterEach(() => {
    Error.stackTraceLimit = stackTraceLimit;
    cleanup();
    stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
  return browser;
}
