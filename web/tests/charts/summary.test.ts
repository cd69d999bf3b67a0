import { expect, it } from "vitest";

import type { ChartSpec } from "../../src/charts/spec";
import { statisticsOfChart } from "../../src/charts/statistics";
import { summaryOf } from "../../src/charts/summary";
import type { Alert } from "../../src/store/alerts";
import { byteRateText } from "../../src/format/numbers";
import { clock } from "../../src/format/time";
import type { Picture } from "../../src/store/display";
import { Ring } from "../../src/store/ring";

const spec: ChartSpec = {
  name: "Network",
  unit: "/s",
  kind: "lines",
  bytes: true,
  format: byteRateText,
  series: [
    { label: "sent", columns: ["tx_bytes_per_second"], colour: "s2" },
    { label: "received", columns: ["rx_bytes_per_second"], colour: "s1" },
  ],
};

function summary(from: number, alerts: readonly Alert[] = []): string {
  const ring = new Ring(5);
  ring.put(1, [["tx_bytes_per_second", 100]]);
  ring.put(2, [["tx_bytes_per_second", 300]]);
  const picture = { ring, slice: ring.slice(0, 9), from, to: 2, tick: 1 } as Picture;
  return summaryOf(spec, picture, statisticsOfChart(spec, picture), [], alerts);
}

it("describes each series by its newest, mean, lowest and highest value, and the amount of a rate", () => {
  expect(summary(0)).toBe(
    `from ${clock(0)} to ${clock(2)}: sent: newest 300 B/s, average 200 B/s, lowest 100 B/s, highest 300 B/s, total 400 B; received: unknown`,
  );
});

it("marks a total as too low where a part of the window is not known", () => {
  expect(summary(-8)).toContain("total ≥\u00a0400 B");
});

it("has the alerts of the window", () => {
  const alert = { level: "warn", text: "errors", sinceUnix: -3, untilUnix: null } as const;
  const [fires, ended] = [alert, { ...alert, text: "before", untilUnix: -2 }] as Alert[];
  const text = summary(0, [fires as Alert, ended as Alert]);
  expect(text).toMatch(/; warning since \d\d:\d\d:\d\d: errors$/);
});
