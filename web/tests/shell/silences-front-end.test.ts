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

it("are offered only for what the front end itself finds about another host", async () => {
  installDialogs();
  browser.fetch.mockImplementation((address) =>
    new URL(address).pathname === "/api/v1/silences"
      ? Promise.resolve(answer(200, '{"silences":[]}'))
      : noAnswer(),
  );
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
  const [group, ...others] = list.getAllByRole("group", { name: "Silence" });
  expect(others).toEqual([]);
  expect(group?.closest("li")?.dataset["rule"]).toBe("host_lost");
});
