/** The whole page on sockets in the hands of the test, for each test of the file that calls `installPage`. */
import { act, cleanup, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, vi } from "vitest";

import { Page } from "../../src/app/page";
import { createSession } from "../../src/app/session";
import { installDom } from "./dom";
import { fakeBrowser } from "./fake-browser";
import { FakeSocket } from "./fake-socket";
import { golden } from "./frames";

export const settle = (ms = 1) => act(() => vi.advanceTimersByTimeAsync(ms));
export const badge = () => screen.getByTestId("freshness").dataset["state"];
export const main = () => FakeSocket.all.filter((socket) => !socket.query.has("sections"));
export const tables = () => FakeSocket.all.filter((socket) => socket.query.has("sections"));
export const last = () => {
  const socket = main().at(-1);
  if (socket === undefined) throw new Error("no socket was made");
  return socket;
};
export const value = (id: string) => screen.getByTestId(id).textContent;

export async function connect(): Promise<void> {
  last().open();
  last().say(golden("hello"));
  last().say(golden("history"));
  last().say(golden("sample"));
  await settle();
}

/** Returns the browser of the page of each test. */
export function installPage(): ReturnType<typeof fakeBrowser> {
  const browser = fakeBrowser();
  let stop: () => void;

  beforeEach(async () => {
    vi.useFakeTimers();
    FakeSocket.all = [];
    installDom();
    Object.assign(browser, fakeBrowser());
    const session = createSession("http://ada/", undefined, {
      WebSocket: FakeSocket,
      random: () => 0.5,
      ...browser,
    });
    stop = session.start();
    render(
      <StrictMode>
        <Page session={session} />
      </StrictMode>,
    );
    await settle();
  });

  afterEach(() => {
    cleanup();
    stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
  return browser;
}
