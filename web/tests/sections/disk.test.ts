import { expect, it } from "vitest";

import type { Disk } from "../../src/protocol/sections";
import { isPhysical, waitOf } from "../../src/sections/disk/requests";
import { sampleAt } from "../support/frames";

const diskOf = (fields: Record<string, unknown>): Disk => {
  const [disk] = sampleAt(1, { disks: [{ name: "sda", ...fields }] }).sections.disks ?? [];
  if (disk === undefined) throw new Error("no disk");
  return disk;
};

it.each([
  [3, 5, 5],
  [3, null, 3],
  [null, null, null],
])("takes the longer wait of reads %s and writes %s: %s", (read_await_ms, write_await_ms, wait) => {
  expect(waitOf(diskOf({ read_await_ms, write_await_ms }))).toBe(wait);
});

it("counts a disk as the server does, or by its kind if an older server sends only that", () => {
  expect(isPhysical(diskOf({ kind: "md", counted: true }))).toBe(true);
  expect(isPhysical(diskOf({ kind: "md" }))).toBe(false);
  expect(isPhysical(diskOf({ kind: "disk" }))).toBe(true);
});
