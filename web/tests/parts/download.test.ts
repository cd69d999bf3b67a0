import { expect, it } from "vitest";

import { fileName } from "../../src/parts/download";

it("names a file after host, chart and time, without characters that file systems refuse", () => {
  expect(fileName(["ada", "cpu"], 1_764_000_000, "png")).toBe("ada-cpu-2025-11-24T160000.png");
  expect(fileName(["a/b:c", "load-all stalled"], 0, "csv")).toBe(
    "a-b-c-load-all-stalled-1970-01-01T000000.csv",
  );
});
