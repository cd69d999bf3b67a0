// @vitest-environment jsdom
import { act, fireEvent, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { answer } from "../support/fake-browser";
import { golden, goldenObject } from "../support/frames";
import { badge, connect, installPage, lastStream, settle, value } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const browser = installPage();

const logIn = () =>
  connect(JSON.stringify({ ...goldenObject("hello"), user: "kitchen" }), golden("sample"));
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
  expect(browser.fetch).toHaveBeenCalledWith(
    "http://ada/logout",
    expect.objectContaining({ method: "POST" }),
  );
  expect(browser.reload).toHaveBeenCalledOnce();
});

it("shows why it could not log out, and stays live", async () => {
  await logIn();
  await logOut();
  const alerts = () => screen.getAllByRole("alert").map(({ textContent }) => textContent);
  expect(alerts().join("")).toContain("the server is not reachable");
  expect([badge(), value("cpu")]).toEqual(["live", "29"]);
  browser.fetch.mockResolvedValue(answer(204));
  await logOut();
  expect(alerts().join("")).toBe("");
});

it("has no button to log out without a login, nor in kiosk mode", async () => {
  await connect();
  const button = () => screen.queryByText("Log out")?.textContent ?? null;
  expect([screen.queryByTestId("user"), button()]).toEqual([null, null]);
  lastStream().end(1006);
  await settle(600);
  await logIn();
  expect(button()).toBe("Log out");
  act(() => {
    fireEvent.keyDown(window, { key: "k" });
  });
  await settle();
  expect(button()).toBeNull();
});
