import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { COLUMNS, type Values } from "../../src/overview/frames";
import { sparkPath } from "../../src/overview/host-spark";
import type { Row } from "../../src/overview/order";
import {
  createSparklines,
  POINTS,
  seriesFor,
  type Sparklines,
} from "../../src/overview/sparklines";
import type { State } from "../../src/overview/states";
import { answer, fakeBrowser, silence } from "../support/fake-browser";

let browser: ReturnType<typeof fakeBrowser>;
let lines: Sparklines;

beforeEach(() => {
  vi.useFakeTimers();
  browser = fakeBrowser();
  browser.fetch.mockImplementation((address) => {
    const ids = new URL(address).searchParams.get("hosts")?.split(",") ?? [];
    const series = { cpu: [1, 2, 3], memory: [4], rx: [], tx: [] };
    const sparklines = Object.fromEntries(ids.map((id) => [id, series]));
    return Promise.resolve(answer(200, JSON.stringify({ sparklines })));
  });
  lines = createSparklines("http://front/", browser);
});
afterEach(() => {
  lines.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const settle = (ms = 300) => vi.advanceTimersByTimeAsync(ms);
const requested = () =>
  browser.fetch.mock.calls.map(([address]) => new URL(address).searchParams.get("hosts"));
const row = (id: string, cpu: number, state: State = "live") => {
  const values = Object.fromEntries(COLUMNS.map((column) => [column, null])) as Values;
  return { host: { id }, state, values: { ...values, cpu } } as Row;
};

it("are loaded once the rows have stood still", async () => {
  lines.want(["a"]);
  await settle(100);
  lines.want(["b", "c"]);
  await settle();
  expect(requested()).toEqual(["b,c"]);
  expect([lines.of("b", "cpu"), lines.of("a", "cpu")]).toEqual([[1, 2, 3], null]);
  lines.want(["b", "d"]);
  await settle();
  expect(requested()).toEqual(["b,c", "d"]);
});

it("continue with each overview; a host that is not live has unknown values", async () => {
  lines.want(["a"]);
  await settle();
  lines.add([row("a", 9), row("z", 1)]);
  lines.add([row("a", 9, "late")]);
  expect(lines.of("a", "cpu")).toEqual([1, 2, 3, 9, null]);
  for (let n = 0; n < 400; n += 1) lines.add([row("a", n)]);
  expect(lines.of("a", "cpu")).toHaveLength(POINTS);
  expect(lines.of("z", "cpu")).toBeNull();
});

it("are requested for at most 100 hosts at a time, and kept for 300", async () => {
  const ids = Array.from({ length: 250 }, (_, n) => `${n}`);
  lines.want(ids);
  await settle(2000);
  expect(requested().map((text) => text?.split(",").length)).toEqual([100, 100, 50]);
  lines.want(ids.map((id) => `other ${id}`));
  await settle(2000);
  expect(lines.of("other 249", "cpu")).not.toBeNull();
  expect(ids.filter((id) => lines.of(id, "cpu") !== null).length).toBeLessThanOrEqual(50);
});

it("are loaded again after an interruption, and a failed request is repeated", async () => {
  lines.want(["a"]);
  await settle();
  browser.fetch.mockImplementationOnce(() => Promise.resolve(answer(500)));
  lines.reload();
  expect(lines.of("a", "cpu")).toBeNull();
  await settle();
  expect(lines.of("a", "cpu")).toBeNull();
  await settle(10_000);
  expect(lines.of("a", "cpu")).toEqual([1, 2, 3]);
});

it("are loaded after a request that was never answered", async () => {
  browser.fetch.mockImplementationOnce(silence);
  lines.want(["a"]);
  await settle(31_000);
  expect(lines.of("a", "cpu")).toEqual([1, 2, 3]);
});

it("are of the column that the hosts are sorted by, if the front end keeps it, else of CPU", () => {
  expect([seriesFor("memory"), seriesFor("celsius"), seriesFor("worst")]).toEqual([
    "memory",
    "cpu",
    "cpu",
  ]);
});

it("draw a point for five values, the newest at the right, with a gap where all are unknown", () => {
  const values = [
    ...Array<number>(5).fill(100),
    ...Array<null>(5).fill(null),
    0,
    null,
    100,
    null,
    50,
  ];
  expect(sparkPath(values, true)).toBe("M57.0 4.0M59.0 50.0");
  expect(sparkPath([], true)).toBe("");
});
