import { describe, expect, it } from "vitest";

import { isRate, oneSeries, type ChartSpec } from "../../src/charts/spec";
import { isWhole, statisticsOf, statisticsOfChart } from "../../src/charts/statistics";
import type { Picture } from "../../src/store/display";
import { Ring } from "../../src/store/ring";

const window = { from: 0, to: 10 };
const at = (x: number[], spans: number[]) => ({ x, spans });

describe("the statistics of a window", () => {
  it("weight each value by the time that it describes", () => {
    // One second of an idle server, and nine seconds of the sample after it.
    expect(statisticsOf([100, 10], at([1, 10], [1, 9]), window)).toEqual({
      average: 19,
      lowest: 10,
      highest: 100,
      total: 190,
      knownSeconds: 10,
    });
  });

  it("leave out unknown values and gaps, which are not zero", () => {
    const ring = new Ring(5);
    ring.put(1, [["rate", 30]]);
    ring.put(3, []);
    ring.put(4, [["rate", 10]]);
    const slice = ring.slice(0, 9);
    const found = statisticsOf(slice.column("rate"), slice, { from: 0, to: 4 });
    expect(found).toMatchObject({ average: 20, total: 40, knownSeconds: 2 });
    expect([
      isWhole(found, { from: 0, to: 4 }, 1),
      isWhole(found, { from: 0, to: 3.5 }, 1),
    ]).toEqual([false, true]);
  });

  it("leave out the slot before the window, and count one at its edge in part", () => {
    const slots = at([-0.5, 1, 6], [1, 3, 5]);
    expect(statisticsOf([1000, 4, 2], slots, window)).toMatchObject({
      average: (4 * 1 + 2 * 5) / 6,
      highest: 4,
      total: 14,
    });
    expect(statisticsOf([1000, 4, 2], slots, { from: 0, to: 3 })).toMatchObject({ total: 8 });
  });

  it("count the slot in which the window ends, although its sample is later", () => {
    const ring = new Ring(10);
    for (let x = 1; x <= 8; x += 1) ring.put(x, [["rate", x]]);
    const spec = { series: [oneSeries("rate", "rate", "s1")] } as unknown as ChartSpec;
    const of = (from: number, to: number) =>
      statisticsOfChart(spec, { ring, slice: ring.slice(from, to), from, to } as Picture)[0];
    expect(of(1.5, 6.5)).toMatchObject({ total: 1 + 3 + 4 + 5 + 6 + 3.5, knownSeconds: 5 });
    expect(of(3, 8)).toMatchObject({ total: 4 + 5 + 6 + 7 + 8, knownSeconds: 5 });
  });

  it("are unknown where nothing is known", () => {
    const unknown = { average: null, lowest: null, highest: null, total: null, knownSeconds: 0 };
    expect(statisticsOf([null, null], at([1, 2], [1, 1]), window)).toEqual(unknown);
    expect(statisticsOf([], at([], []), window)).toEqual(unknown);
  });
});

it("only a rate has a total: its columns are per second, and add up", () => {
  const sent = oneSeries("sent", "network.total_tx_bytes_per_second", "s1");
  expect(isRate(sent)).toBe(true);
  expect(isRate({ ...sent, join: "max" })).toBe(false);
  expect(isRate(oneSeries("user", "cpu.user_percent", "s1"))).toBe(false);
});
