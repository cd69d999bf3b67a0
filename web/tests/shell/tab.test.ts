// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import { endOf, refusedWith } from "../../src/protocol/ends";
import { ICONS, showInTab, tabStatus } from "../../src/shell/tab";
import { alertOf, alertsOf, alertsText } from "../support/alerts";
import { connectedTelemetry, newTelemetry } from "../support/telemetry";

const STALL = alertOf({ rule: "stall", text: "io stall" });
const FULL = alertOf({ severity: "critical", text: "/srv full" });
const INFO = alertOf({ rule: "busy", severity: "info", text: "busy" });

it.each([
  ["ada", "ok", null, [], false],
  ["▲ ada · io stall", "warn", null, [STALL], false],
  ["■ ada · /srv full", "critical", null, [STALL, FULL], false],
  ["ada", "ok", null, [INFO], false],
  ["(lost) ada", "lost", endOf(4008), [STALL], false],
  ["(refused) ada", "lost", refusedWith(503, "too many viewers"), [], false],
  ["(paused) ada", "paused", null, [], true],
  ["▲ (paused) ada · io stall", "warn", null, [STALL], true],
  ["(lost) ada", "lost", endOf(4008), [], true],
] as const)("the tab shows %s with the icon %s", (title, icon, end, alerts, paused) => {
  const telemetry = connectedTelemetry();
  if (end !== null) telemetry.closed(end, 500);
  const state = { ...telemetry.store.get(), alerts: alertsOf(alertsText(alerts)) };
  expect(tabStatus(state, 0, paused)).toEqual({ title, icon });
});

it("the icons of the states differ in shape, not only in colour", () => {
  const folder = join(import.meta.dirname, "../../src/shell/icons");
  const shapes = Object.keys(ICONS).map((name) =>
    readFileSync(join(folder, `${name}.svg`), "utf8").replaceAll(/#[0-9a-f]{6}/g, ""),
  );
  expect(new Set(shapes).size).toBe(5);
});

it("the icon of a lost connection needs none", () => {
  expect(ICONS.lost).toMatch(/^data:image\/svg/);
});

it("the tab has the program's name before the first message", () => {
  expect(tabStatus(newTelemetry().store.get(), 0, false).title).toBe("telemetry_stream");
});

it("the icon changes with the state", () => {
  document.head.innerHTML = `<link rel="icon" href="${ICONS.ok}">`;
  const link = document.querySelector("link");
  showInTab({ title: "▲ ada", icon: "warn" });
  expect([document.title, link?.getAttribute("href")]).toEqual(["▲ ada", ICONS.warn]);
  showInTab({ title: "ada", icon: "ok" });
  expect(link?.getAttribute("href")).toBe(ICONS.ok);
  document.head.innerHTML = "";
});
