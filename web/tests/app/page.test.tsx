// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { installDom } from "../support/dom";
import { Page } from "../../src/app/page";
import { createSession } from "../../src/app/session";
import { answer, fakeBrowser } from "../support/fake-browser";
import { FakeSocket } from "../support/fake-socket";
import { golden, goldenObject, sampleText } from "../support/frames";

// jsdom has no canvas; charts are seen by the end-to-end tests.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const settle = (ms = 1) => act(() => vi.advanceTimersByTimeAsync(ms));
const badge = () => screen.getByTestId("freshness").dataset["state"];
const main = () => FakeSocket.all.filter((socket) => !socket.query.has("sections"));
const tables = () => FakeSocket.all.filter((socket) => socket.query.has("sections"));
const last = () => {
  const socket = main().at(-1);
  if (socket === undefined) throw new Error("no socket was made");
  return socket;
};
const value = (id: string) => screen.getByTestId(id).textContent;

let stop: () => void;
let browser: ReturnType<typeof fakeBrowser>;

beforeEach(async () => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  installDom();
  browser = fakeBrowser();
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

async function connect(): Promise<void> {
  last().open();
  last().say(golden("hello"));
  last().say(golden("history"));
  last().say(golden("sample"));
  await settle();
}

it("gives a connection in place of a silent one its time, as slow as the handshake may be", async () => {
  await connect();
  const tries = main().length;
  await settle(9_000);
  expect(main()).toHaveLength(tries);
  await settle(2_500);
  expect(main()).toHaveLength(tries + 1);
  await settle(3_000); // no answer yet
  expect(main()).toHaveLength(tries + 1);
  last().open();
  await settle(8_000); // a long history over a thin line
  expect(main()).toHaveLength(tries + 1);
  last().say(sampleText({ seq: 60 }));
  await settle();
  expect(badge()).toBe("live");
});

it("has every place and no number before the first sample", () => {
  expect(badge()).toBe("connecting");
  expect([value("host"), value("cpu"), value("memory")]).toEqual(["–", "–", "–"]);
});

it("shows host, CPU, memory, connections and what was missed", async () => {
  await connect();
  expect(badge()).toBe("live");
  expect([value("host"), value("cpu"), value("memory"), value("connections")]).toEqual([
    "ada",
    "29",
    "22.1",
    "218",
  ]);
  expect(value("missed")).toBe("38 of 42"); // the golden history has a hole between 1 and 40
});

it("says late, then lost, as silence goes on, and tries anew by itself", async () => {
  await connect();
  await settle(3000);
  expect(badge()).toBe("late");
  const sockets = main().length;
  await settle(9000);
  expect(badge()).toBe("lost");
  expect(main().length).toBeGreaterThan(sockets);
});

it("resumes after a restart with what it has seen, and with no reload", async () => {
  await connect();
  last().end(1006);
  await settle();
  expect(badge()).toBe("lost");
  expect(value("next-try")).toMatch(/next try in 1 s/);
  await settle(1000);
  expect(Object.fromEntries(last().query)).toMatchObject({
    since: "42",
    stream: "5f0c9a3e71d24b86",
  });
  last().open();
  last().say(golden("hello"));
  last().say(sampleText({ seq: 43, cpu: { usage_percent: 81.2 } }));
  await settle();
  expect([badge(), value("cpu")]).toEqual(["live", "81"]);
});

it("tries at once when the browser is online again", async () => {
  await connect();
  last().end(1006);
  const before = main().length;
  window.dispatchEvent(new Event("online"));
  await settle(5);
  expect(main().length).toBe(before + 1);
});

it("names the server's reason and stops trying when it is not allowed", async () => {
  await connect();
  last().end(1008);
  await settle(20_000);
  expect(badge()).toBe("ended");
  expect(value("freshness")).toContain("not allowed");
  expect(screen.getByRole("alert").textContent).toContain("ended");
  const before = main().length;
  act(() => {
    screen.getByText("reconnect").click();
  });
  await settle(5);
  expect(main().length).toBe(before + 1);
});

it("draws nothing while the tab is hidden, and all of it when it is shown again", async () => {
  await connect();
  const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  last().say(sampleText({ seq: 43, cpu: { usage_percent: 81.2 } }));
  await settle(2000);
  expect(value("cpu")).toBe("29");
  visibility.mockReturnValue("visible");
  document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  expect(value("cpu")).toBe("81");
});

it("pauses with p, says how many samples wait, and goes back to live with l", async () => {
  await connect();
  act(() => {
    fireEvent.keyDown(window, { key: "p" });
  });
  last().say(sampleText({ seq: 43, cpu: { usage_percent: 81.2 } }));
  await settle();
  expect([badge(), value("cpu")]).toEqual(["paused", "29"]);
  expect(value("next-try")).toBe("1 waiting");
  act(() => {
    fireEvent.keyDown(window, { key: "l" });
  });
  await settle();
  expect([badge(), value("cpu")]).toEqual(["live", "81"]);
});

it("says which part could not be had, and keeps the rest", async () => {
  last().open();
  last().say(golden("hello"));
  const { memory: _, ...rest } = goldenObject("sample");
  const sources = { memory: { state: "failed", took_seconds: 0, reason: "no MemTotal" } };
  last().say(JSON.stringify({ ...rest, sources }));
  await settle();
  expect([value("cpu"), value("memory")]).toEqual(["29", "–"]);
  expect(document.querySelector("[data-focus=memory] .aside")?.textContent).toContain("failed");
});

it("hatches a filesystem that does not answer, and marks a full one once it lasts", async () => {
  await connect();
  for (let seq = 43; seq < 56; seq += 1) {
    last().say(
      sampleText({ seq, time_unix: 1_764_000_000 + seq, uptime_seconds: 3_564_720 + seq }),
    );
  }
  await settle();
  const rows = [...document.querySelectorAll(".filesystems tbody tr")];
  expect(rows.map((row) => row.textContent)).toEqual([
    "/41 %38.2 Gi",
    "/srvwarn 91 %164 Gi",
    "/mnt/nasstale 42 s",
  ]);
  expect(rows[2]?.querySelector(".hatched")).not.toBeNull();
  expect(document.title).toMatch(/^▲ ada/);
});

it("takes one sample a second of a stream that is quicker", async () => {
  last().open();
  last().say(JSON.stringify({ ...goldenObject("hello"), interval_seconds: 0.1 }));
  await settle(5);
  expect(last().query.get("every")).toBe("10");
  last().open();
  last().say(JSON.stringify({ ...goldenObject("hello"), interval_seconds: 0.1, every: 10 }));
  last().say(sampleText({ seq: 50 }));
  last().say(sampleText({ seq: 60, time_unix: 1_764_000_044, uptime_seconds: 3_564_764 }));
  await settle();
  expect([badge(), value("missed")]).toEqual(["live", "0 of 2"]);
});

it("says in the server's words why there is no process table, and shows it when there is", async () => {
  await connect();
  const words = "your address has 1 viewers, which is as many as may be";
  browser.fetch.mockImplementation(() =>
    Promise.resolve(answer(429, JSON.stringify({ error: words }))),
  );
  tables().at(-1)?.end(1006);
  await settle();
  expect(badge()).toBe("live");
  expect(screen.getByText(`▲ failed: ${words}`)).toBeTruthy();
  await settle(600);
  tables().at(-1)?.open();
  tables().at(-1)?.say(golden("sample-processes"));
  await settle();
  expect(screen.queryByText(/failed: your address/)).toBeNull();
});

it("says in the server's words why it is not let in, and comes in when it is", async () => {
  const words = "there are 1 viewers, which is as many as may be";
  browser.fetch.mockImplementation(() =>
    Promise.resolve(answer(503, JSON.stringify({ error: words }))),
  );
  last().end(1006);
  await settle();
  expect(badge()).toBe("refused");
  expect(value("next-try")).toContain(`${words} · next try in 1 s`);
  expect(screen.getByRole("alert").textContent).toBe(`connection refused: ${words}`);
  expect(document.title).toMatch(/^\(refused\)/);
  await settle(600);
  await connect();
  expect(badge()).toBe("live");
  expect(browser.fetch).toHaveBeenCalledOnce();
});

it("leads to the login page when its token was withdrawn", async () => {
  browser.fetch.mockResolvedValue(answer(401));
  await connect();
  last().end(1008);
  for (const table of tables()) table.end(1008);
  await settle(20_000);
  expect(browser.reload).toHaveBeenCalledOnce();
  expect(browser.fetch).toHaveBeenCalledOnce();
  expect(main()).toHaveLength(1);
});

it("asks for processes only while the stream itself is let in", async () => {
  expect(tables()).toHaveLength(0);
  await connect();
  expect(tables()).toHaveLength(1);
  last().end(1006);
  await settle(100);
  expect(tables()[0]?.readyState).toBe(3);
  await settle(500);
  await connect();
  expect(tables()).toHaveLength(2);
});

async function logIn(): Promise<void> {
  last().open();
  last().say(JSON.stringify({ ...goldenObject("hello"), user: "kitchen" }));
  last().say(golden("sample"));
  await settle();
}
const logOut = async () => {
  act(() => {
    screen.getByRole("button", { name: "Log out" }).click();
  });
  await settle();
};

it("shows who is logged in, and logs out", async () => {
  browser.fetch.mockResolvedValue(answer(204));
  await logIn();
  expect(value("user")).toBe("kitchen");
  await logOut();
  expect(browser.fetch).toHaveBeenCalledWith("http://ada/logout", { method: "POST" });
  expect(browser.reload).toHaveBeenCalledOnce();
});

it("says when it could not log out, and goes on", async () => {
  await logIn();
  await logOut();
  const said = () => screen.getAllByRole("alert").map(({ textContent }) => textContent);
  expect(said()).toContain("▲still logged in: the server is not reachable");
  expect([badge(), value("cpu")]).toEqual(["live", "29"]);
  browser.fetch.mockResolvedValue(answer(204));
  await logOut();
  expect(said().join("")).toBe("");
});

it("offers no way out where nobody logged in, nor on a wall", async () => {
  await connect();
  const shown = () => screen.queryByText("Log out")?.textContent ?? null;
  expect([screen.queryByTestId("user"), shown()]).toEqual([null, null]);
  last().end(1006);
  await settle(600);
  await logIn();
  expect(shown()).toBe("Log out");
  act(() => {
    fireEvent.keyDown(window, { key: "k" });
  });
  await settle();
  expect(shown()).toBeNull();
});
