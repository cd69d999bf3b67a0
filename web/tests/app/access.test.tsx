// @vitest-environment jsdom
import { act, fireEvent, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { answer } from "../support/fake-browser";
import { golden, goldenObject } from "../support/frames";
import { badge, connect, last, main, settle, tables, installPage, value } from "../support/page";

// jsdom has no canvas; charts are seen by the end-to-end tests.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const browser = installPage();

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
