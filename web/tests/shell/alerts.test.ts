// @vitest-environment jsdom
import { act, fireEvent, screen, within } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { alertOf, alertsText } from "../support/alerts";
import { installDialogs } from "../support/dom";
import { golden, goldenObject, sampleText } from "../support/frames";
import { connect, installPage, lastStream, settle, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();
beforeEach(() => {
  installDialogs();
});

const FULL = alertOf({ labels: { mountpoint: "/srv" }, severity: "critical" });
const STALL = alertOf({
  rule: "io_pressure",
  section: "pressure.io",
  fields: ["pressure.io.some_percent"],
  text: "Programs wait for disks 24 % of the time",
  known: false,
});
const RESOLVED = { ...STALL, state: "resolved" };

const strip = () => screen.getByRole("region", { name: "Alerts" });
const changes = () => screen.getByTestId("alert-changes").textContent;
const send = async (...alerts: readonly Record<string, unknown>[]) => {
  lastStream().receive(alertsText(alerts));
  await settle();
};
const openList = async () => {
  fireEvent.click(screen.getByTestId("alerts"));
  await settleImports();
  return screen.getByTestId("alert-dialog");
};
const connectWithoutSample = () =>
  connect(JSON.stringify({ ...goldenObject("hello"), alerts: null }));
const connectWith = (alerts: unknown) =>
  connect(JSON.stringify({ ...goldenObject("hello"), alerts }), golden("sample"));

it("are counted in a line, with the worst ones and when they began", async () => {
  await connect();
  expect(strip().textContent).toContain("Alertsnone");
  await send(STALL, FULL);
  expect(strip().textContent).toMatch(
    /■ 11 critical▲ 11 warning.*critical \/srv is 91 % full since \d\d:\d\d▲warning Programs wait.*unknown now, since/,
  );
  expect(document.title).toBe("■ ada · /srv is 91 % full");
});

it("of a server without rules are not known, and nothing looks wrong", async () => {
  await connectWith(null);
  expect(strip().textContent).toBe("Alerts–wno rules");
  expect(document.title).toBe("ada");
  expect((await openList()).textContent).toContain("There are no rules");
});

it("are not known before the first sample", async () => {
  await connectWithoutSample();
  expect((await openList()).textContent).toContain("FiringNot known yet.");
});

it("are announced when they fire, get worse and resolve, but not when they are repeated", async () => {
  await connectWith([STALL]);
  expect(changes()).toBe("warning: Programs wait for disks 24 % of the time");
  await send(STALL, FULL);
  expect(changes()).toBe("critical: /srv is 91 % full");
  await send({ ...STALL, text: "Programs wait for disks 30 % of the time" }, FULL);
  expect(changes()).toBe("critical: /srv is 91 % full");
  await send(RESOLVED);
  expect(changes()).toBe(
    "resolved: /srv is 91 % full; resolved: Programs wait for disks 30 % of the time",
  );
});

it("are listed as silenced, and not announced, while a silence covers them", async () => {
  await connect();
  await send({ ...FULL, silenced: true }, STALL);
  expect(changes()).toBe("warning: Programs wait for disks 24 % of the time");
  const list = within(await openList());
  expect(list.getAllByText("silenced")).toHaveLength(1);
  expect(list.getByText("silenced").parentElement?.textContent).toContain("/srv is 91 % full");
  await send(FULL, STALL);
  expect(changes()).toBe("critical: /srv is 91 % full");
  expect(list.queryByText("silenced")).toBeNull();
  await send({ ...FULL, silenced: true }, STALL);
  await send(STALL);
  expect(changes()).toBe("critical: /srv is 91 % full");
});

it("are only counted where there are many at once", async () => {
  await connect();
  await send(...[1, 2, 3, 4, 5].map((n) => alertOf({ labels: { mountpoint: `/${n}` } })));
  expect(changes()).toMatch(/; and 2 more alerts$/);
  expect(within(strip()).getAllByRole("listitem")).toHaveLength(3);
});

it("mark the tile, the value in the readout and the row that they are about", async () => {
  await connect();
  await send(
    STALL,
    alertOf({
      rule: "errors",
      severity: "info",
      section: "interfaces",
      fields: ["interfaces.rx_errors_per_second"],
      labels: { device: "enp5s0" },
    }),
  );
  const tile = (name: string) =>
    document.querySelector(`[data-focus="${name}"] .alerted`)?.textContent ?? null;
  expect([tile("load"), tile("network"), tile("cpu")]).toEqual(["▲warning ", "◆info ", null]);
  const details = document.querySelector('[data-focus="load"] .details');
  expect(details?.textContent).toMatch(/^▲warning io stall/);
  const io = [...document.querySelectorAll(".readout button")].find(
    (row) => row.querySelector(".label")?.textContent === "io",
  );
  expect(io?.querySelector(".warn")?.textContent).toMatch(/^▲warning /);
  expect(document.querySelector('[data-row="enp5s0"]')?.textContent).toMatch(/^◆info enp5s0/);
  expect(document.querySelector('[data-row="docker0"]')?.textContent).toMatch(/^docker0/);
});

it("are listed with their rule, labels and times, also those that resolved", async () => {
  await connect();
  await send(STALL, FULL);
  await send(FULL, RESOLVED);
  const text = (await openList()).textContent;
  expect(text).toMatch(
    /Firing■critical\/srv is 91 % fullfilesystem_full · mountpoint \/srvsince .*Resolved.*Programs wait.*io_pressure.* to /,
  );
  expect(text).toContain("Its values are unknown now.");
  act(() => {
    fireEvent.keyDown(document.body, { key: "w" });
  });
  await settle();
  expect(screen.queryByTestId("alert-dialog")).toBeNull();
});

it("stay as they were while the page is paused, but the tab has the present ones", async () => {
  await connect();
  await send(FULL);
  fireEvent.click(screen.getByTestId("pause"));
  await settle();
  await send();
  lastStream().receive(sampleText({ seq: 43, time_unix: 1_764_000_043.1 }));
  await settle();
  expect(strip().textContent).toContain("■ 1");
  expect((await openList()).textContent).toContain("As of the pause");
  expect(document.title).toBe("(paused) ada");
});

it("are offered as notifications only where the browser has them", async () => {
  await connect();
  expect((await openList()).textContent).toContain("Notifications require https");
});
