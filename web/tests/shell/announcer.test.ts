import { expect, it } from "vitest";

import { titleOf } from "../../src/shell/announcer";
import type { Alert } from "../../src/store/thresholds";

const STALL: [string, Alert] = ["a", { level: "warn", label: "io stall" }];
const FULL: [string, Alert] = ["b", { level: "critical", label: "/srv full" }];

it.each([
  ["ada", null, []],
  ["▲ ada · io stall", null, [STALL]],
  ["■ ada · /srv full", null, [STALL, FULL]],
  ["(lost) ada", "lost", [STALL]],
  ["(refused) ada", "refused", []],
])("the title is %s", (title, disconnected, alerts) => {
  expect(titleOf("ada", disconnected, new Map(alerts))).toBe(title);
});
