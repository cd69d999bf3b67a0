// @vitest-environment jsdom
import { expect, it } from "vitest";

import { endOf, refusedWith } from "../../src/protocol/ends";
import { showInTab, tabStatus } from "../../src/shell/tab";
import type { Alert } from "../../src/store/thresholds";
import { connectedTelemetry, newTelemetry } from "../support/telemetry";

const STALL: [string, Alert] = ["a", { level: "warn", label: "io stall" }];
const FULL: [string, Alert] = ["b", { level: "critical", label: "/srv full" }];

it.each([
  ["ada", "icon.svg", null, []],
  ["▲ ada · io stall", "icon-warn.svg", null, [STALL]],
  ["■ ada · /srv full", "icon-critical.svg", null, [STALL, FULL]],
  ["(lost) ada", null, endOf(4008), [STALL]],
  ["(refused) ada", null, refusedWith(503, "too many viewers"), []],
])("the tab shows %s with %s", (title, icon, end, alerts) => {
  const telemetry = connectedTelemetry();
  if (end !== null) telemetry.closed(end, 500);
  const state = { ...telemetry.store.get(), alerts: new Map(alerts) };
  expect(tabStatus(state, 0)).toEqual({ title, icon });
});

it("the tab has the program's name before the first message", () => {
  expect(tabStatus(newTelemetry().store.get(), 0).title).toBe("telemetry_stream");
});

it("the icon is looked up beside the page, and changes only when its name does", () => {
  document.head.innerHTML = '<link rel="icon" href="http://ada/prefix/icon.svg">';
  const link = document.querySelector("link");
  showInTab({ title: "▲ ada", icon: "icon-warn.svg" });
  expect([document.title, link?.href]).toEqual(["▲ ada", "http://ada/prefix/icon-warn.svg"]);
  showInTab({ title: "ada", icon: "icon.svg" });
  expect(link?.href).toBe("http://ada/prefix/icon.svg");
  document.head.innerHTML = "";
});
