import { expect, it } from "vitest";

import { tickText } from "../../src/charts/scene";
import type { ChartSpec } from "../../src/charts/spec";

const plain = {} as ChartSpec;
const bytes = { ...plain, bytes: true };

it.each([
  [plain, 100, ["0", "50", "100"]],
  [plain, 1, ["0", "0.5", "1"]],
  [plain, 3000, ["0", "1500", "3000"]],
  [bytes, 15.3 * 2 ** 30, ["0", "7.7", "15"]],
  [bytes, 300 * 2 ** 20, ["0", "150", "300"]],
])("writes ticks as bare numbers in one unit", (spec, top, texts) => {
  expect([0, top / 2, top].map((value) => tickText(spec, value, top))).toEqual(texts);
});
