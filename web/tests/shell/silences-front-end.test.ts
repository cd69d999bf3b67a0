// @vitest-environment jsdom
/** The page of another host, as a front end serves it. */
import { fireEvent, screen, within } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { alertOf, alertsText } from "../support/alerts";
import { installDialogs } from "../support/dom";
import { answer, noAnswer } from "../support/fake-browser";
import { connect, installPage, lastStream, settle, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const browser = installPage({ overview: null, first: "b3f1c2d4e5a69788" });

/** Opens the list of alerts: one of the host, and one that the front end finds about it. */
const openList = async (ownAlerts: () => Response) => {
  installDialogs();
  browser.fetch.mockImplementation((address) => {
    const { pathname, search } = new URL(address);
    if (pathname === "/api/v1/silences") return Promise.resolve(answer(200, '{"silences":[]}'));
    return pathname === "/api/v1/alerts" && search === ""
      ? Promise.resolve(ownAlerts())
      : noAnswer();
  });
  await connect();
  const labels = { address: "s/a" };
  lastStream().receive(
    alertsText([alertOf(), alertOf({ rule: "host_lost", section: "hosts", labels, text: "lost" })]),
  );
  await settle();
  fireEvent.click(screen.getByTestId("alerts"));
  await settleImports();
  const list = within(screen.getByTestId("alert-dialog"));
  expect(list.getByText("None.")).toBeTruthy();
  return list
    .getAllByRole("group", { name: "Silence" })
    .map((group) => group.closest("li")?.dataset["rule"]);
};

it.each([
  ["has another host of its own", () => answer(200, '{"host":"another","alerts":[]}')],
  ["has none of its own", () => answer(400, '{"error":"name a host"}')],
])("are offered only for what the front end itself finds, which %s", async (_, ownAlerts) => {
  expect(await openList(ownAlerts)).toEqual(["host_lost"]);
});

it("are offered for every alert of the own host of the front end, which notifies of them", async () => {
  const own = () => answer(200, JSON.stringify({ host: "b3f1c2d4e5a69788", alerts: [] }));
  expect(await openList(own)).toEqual(["filesystem_full", "host_lost"]);
});
