// @vitest-environment jsdom
import { fireEvent, screen, within } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { queryOf } from "../../src/shell/silences";
import { alertOf, alertsOf, alertsText } from "../support/alerts";
import { installDialogs } from "../support/dom";
import { answer, noAnswer } from "../support/fake-browser";
import { connect, installPage, lastStream, settle, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const browser = installPage();
const FULL = alertOf({ labels: { mountpoint: "/srv" } });
const SILENCE = {
  ...{ id: "3f2a91c4", rule: "filesystem_full", severity: "", host: "" },
  ...{ labels: { mountpoint: "/srv" }, until_unix: 1_764_003_600, by: "anna", comment: "new disk" },
};

let silences: (typeof SILENCE)[];
/** The changes that the page requested. */
let changes: string[];
let refusal: string | null;

beforeEach(() => {
  installDialogs();
  [silences, changes, refusal] = [[], [], null];
  browser.fetch.mockImplementation((address, options) => {
    const { pathname, search } = new URL(address);
    if (pathname !== "/api/v1/silences") return noAnswer();
    if (options.method !== "GET") {
      changes.push(`${options.method ?? ""} ${search}`);
      if (refusal !== null) return Promise.resolve(answer(403, JSON.stringify({ error: refusal })));
      silences = options.method === "POST" ? [SILENCE] : [];
      return Promise.resolve(answer(200, "{}"));
    }
    return Promise.resolve(answer(200, JSON.stringify({ silences })));
  });
});

const openList = async () => {
  await connect();
  lastStream().receive(alertsText([FULL]));
  await settle();
  fireEvent.click(screen.getByTestId("alerts"));
  await settleImports();
  return within(screen.getByTestId("alert-dialog"));
};

it("are added for one alert, listed, and ended", async () => {
  const dialog = await openList();
  expect(dialog.getByText("None.")).toBeTruthy();
  fireEvent.click(dialog.getByRole("button", { name: "8 h" }));
  await settle();
  expect(changes).toEqual(["POST ?rule=filesystem_full&labels=mountpoint%3D%2Fsrv&seconds=28800"]);
  expect(dialog.getByText("filesystem_full · mountpoint /srv · new disk · by anna")).toBeTruthy();
  fireEvent.click(dialog.getByRole("button", { name: "End" }));
  await settle();
  expect(changes[1]).toBe("DELETE ?id=3f2a91c4");
  expect(dialog.getByText("None.")).toBeTruthy();
});

it("show why the server refuses a change", async () => {
  refusal = "without tokens, only this host may change something";
  const dialog = await openList();
  fireEvent.click(dialog.getByRole("button", { name: "1 h" }));
  await settle();
  expect(dialog.getByRole("status").textContent).toBe(refusal);
});

it("are not offered by a server without them", async () => {
  browser.fetch.mockImplementation(() => Promise.resolve(answer(404, '{"error":"Not found"}')));
  const dialog = await openList();
  expect(dialog.queryByText(/silence/i)).toBeNull();
});

it("quote what is special in a pattern, and name the host of a front end", () => {
  const labels = { mountpoint: "/a[1],*?", fstype: "ext4" };
  const [alert] = alertsOf(alertsText([alertOf({ labels })])).firing ?? [];
  if (alert === undefined) throw new Error("no alert");
  const query = new URLSearchParams(queryOf(alert, "b3f1", 3600));
  expect(Object.fromEntries(query)).toEqual({
    rule: "filesystem_full",
    host: "b3f1",
    labels: "mountpoint=/a[[]1]?[*][?],fstype=ext4",
    seconds: "3600",
  });
});
