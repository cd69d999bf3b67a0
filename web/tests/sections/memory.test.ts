import { expect, it } from "vitest";

import { columnsOf } from "../../src/sections";
import { sampleAt } from "../support/frames";

it("splits memory into used, reclaimable and free", () => {
  const columns = new Map(columnsOf(sampleAt(1)));
  const part = (name: string) => columns.get(`memory.${name}_bytes`) ?? NaN;
  expect(part("used") + part("reclaimable") + part("free")).toBe(part("total"));
});

it("does not know what is reclaimable without an estimate of what is available", () => {
  const columns = new Map(columnsOf(sampleAt(1, { memory: { free_bytes: 5 } })));
  expect(columns.has("memory.reclaimable_bytes")).toBe(false);
});
