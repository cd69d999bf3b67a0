// @vitest-environment jsdom
import { fireEvent, screen, within } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { alertsText } from "../support/alerts";
import { installDialogs } from "../support/dom";
import { answer } from "../support/fake-browser";
import { connect, installPage, lastStream, settle, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const browser = installPage();
const PHONE = { name: "phone", state: "ok", last_error: null, failing_since_unix: null };
const TEAM = {
  ...{ name: "team", state: "failing" },
  ...{ last_error: "connection refused", failing_since_unix: 1_764_000_000 },
};

/** Open the list of alerts of a server with these receivers; undefined: it notifies nobody. */
const openList = async (receivers?: () => unknown) => {
  installDialogs();
  const requested: string[] = [];
  browser.fetch.mockImplementation((address) => {
    const { pathname } = new URL(address);
    requested.push(pathname);
    if (receivers === undefined) return Promise.resolve(answer(404, '{"error":"Not found"}'));
    const found = pathname === "/api/v1/silences" ? { silences: [] } : { receivers: receivers() };
    return Promise.resolve(answer(200, JSON.stringify(found)));
  });
  await connect();
  lastStream().receive(alertsText([]));
  await settle();
  fireEvent.click(screen.getByTestId("alerts"));
  await settleImports();
  await settle();
  return { requested, dialog: within(screen.getByTestId("alert-dialog")) };
};

it("that fail are listed with the reason and since when, until they work again", async () => {
  let receivers: unknown[] = [PHONE, TEAM];
  const { dialog } = await openList(() => receivers);
  const fails = dialog.getByText("connection refused").closest("li");
  expect(fails?.dataset["receiver"]).toBe("team");
  expect(fails?.textContent).toMatch(/^teamconnection refusedsince 2025-11-24 .*:.*:/);
  expect(dialog.queryByText("phone")).toBeNull();
  receivers = [PHONE];
  lastStream().receive(alertsText([]));
  await settle();
  expect(dialog.queryByText("connection refused")).toBeNull();
});

it("of an answer that is not valid are none", async () => {
  const { dialog } = await openList(() => 3);
  expect(dialog.queryByText(/Receivers that fail/)).toBeNull();
});

it("are not requested from a server that notifies nobody", async () => {
  const { requested, dialog } = await openList();
  expect(requested).toContain("/api/v1/silences");
  expect(requested).not.toContain("/api/v1/notifications");
  expect(dialog.queryByText(/Receivers that fail/)).toBeNull();
});
