import { expect, it } from "vitest";

import { section } from "../../src/sections/memory";
import { columnsOf } from "../../src/sections";
import { sampleAt } from "../support/frames";

const reading = (memory: Record<string, number>) =>
  section.readings?.(sampleAt(1, { memory }).sections).find(({ id }) => id === "memory")?.value;

it("splits memory into used, reclaimable and free", () => {
  const columns = new Map(columnsOf(sampleAt(1)));
  const part = (name: string) => columns.get(`memory.${name}_bytes`) ?? NaN;
  expect(part("used") + part("reclaimable") + part("free")).toBe(part("total"));
});

it("does not know what is reclaimable without an estimate of what is available", () => {
  const columns = new Map(columnsOf(sampleAt(1, { memory: { free_bytes: 5 } })));
  expect(columns.has("memory.reclaimable_bytes")).toBe(false);
});

it("watches the share of memory that is not available", () => {
  expect(reading({ total_bytes: 200, available_bytes: 10 })).toBe(95);
  expect(reading({ total_bytes: 0, available_bytes: 0 })).toBeNull();
});
