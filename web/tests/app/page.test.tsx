// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Page } from "../../src/app/page";
import { createSession } from "../../src/app/session";
import { FakeSocket } from "../support/fake-socket";
import { golden, sampleText } from "../support/frames";

const settle = (ms = 1) => act(() => vi.advanceTimersByTimeAsync(ms));
const badge = () => screen.getByTestId("freshness").dataset["state"];
const value = (id: string) => screen.getByTestId(id).textContent;

beforeEach(async () => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  render(
    <StrictMode>
      <Page session={createSession("http://ada/", { WebSocket: FakeSocket, random: () => 0.5 })} />
    </StrictMode>,
  );
  await settle();
});

afterEach(() => {
  cleanup();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function connect(): Promise<void> {
  FakeSocket.last.open();
  FakeSocket.last.say(golden("hello"));
  FakeSocket.last.say(golden("history"));
  FakeSocket.last.say(golden("sample"));
  await settle();
}

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
  expect(value("missed")).toBe("38"); // the golden history has a hole between 1 and 40
});

it("says late, then lost, as silence goes on, and tries anew by itself", async () => {
  await connect();
  await settle(3000);
  expect(badge()).toBe("late");
  const sockets = FakeSocket.all.length;
  await settle(9000);
  expect(badge()).toBe("lost");
  expect(FakeSocket.all.length).toBeGreaterThan(sockets);
});

it("resumes after a restart with what it has seen, and with no reload", async () => {
  await connect();
  FakeSocket.last.end(1006);
  await settle();
  expect(badge()).toBe("lost");
  expect(value("next-try")).toMatch(/next try in 1 s/);
  await settle(1000);
  expect(Object.fromEntries(FakeSocket.last.query)).toMatchObject({
    since: "42",
    stream: "5f0c9a3e71d24b86",
  });
  FakeSocket.last.open();
  FakeSocket.last.say(golden("hello"));
  FakeSocket.last.say(sampleText({ seq: 43, cpu: { usage_percent: 81.2 } }));
  await settle();
  expect([badge(), value("cpu")]).toEqual(["live", "81"]);
});

it("tries at once when the browser is online again", async () => {
  await connect();
  FakeSocket.last.end(1006);
  const before = FakeSocket.all.length;
  window.dispatchEvent(new Event("online"));
  await settle(5);
  expect(FakeSocket.all.length).toBe(before + 1);
});

it("names the server's reason and stops trying when it is not allowed", async () => {
  await connect();
  FakeSocket.last.end(1008);
  await settle(20_000);
  expect(badge()).toBe("ended");
  expect(screen.getByRole("status").textContent).toContain("not allowed");
  const before = FakeSocket.all.length;
  act(() => {
    screen.getByText("reconnect").click();
  });
  await settle(5);
  expect(FakeSocket.all.length).toBe(before + 1);
});
