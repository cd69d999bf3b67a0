// @vitest-environment jsdom
import { describe, expect, it, vi } from "vitest";

import { toCsv, toJson } from "../../src/sections/self/export";
import { Ring } from "../../src/store/ring";
import { connect, installPage, lastStream, settle, value } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

describe("the file", () => {
  function ringOf() {
    const ring = new Ring(4);
    ring.put(1_764_000_001, [
      ["load.avg1", 7.55],
      ['=cmd,"x"', 1],
    ]);
    ring.put(1_764_000_003, []);
    return ring;
  }

  it("has one CSV row per slot, and no name that a spreadsheet would run as a formula", () => {
    const ring = ringOf();
    expect(toCsv(ring.slice(0, Infinity), ring.names).split("\r\n")).toEqual([
      `time,time_unix,"'=cmd,""x""",load.avg1`,
      "2025-11-24T16:00:01.000Z,1764000001.000,1,7.55",
      "2025-11-24T16:00:02.000Z,1764000002.000,,",
      "2025-11-24T16:00:03.000Z,1764000003.000,,",
      "",
    ]);
  });

  it("keeps null and zero apart in JSON", () => {
    const ring = ringOf();
    expect(JSON.parse(toJson(ring.slice(0, Infinity), ring.names, "ada"))).toMatchObject({
      host: "ada",
      known: [true, false, true],
      columns: { "load.avg1": [7.55, null, null] },
    });
  });
});

describe("the panel", () => {
  installPage();

  it("estimates the missed samples while the page is disconnected", async () => {
    await connect();
    expect(value("missed")).toBe("0 of 1");
    lastStream().end(1006);
    await settle(6100);
    expect(value("missed")).toBe("5 so far");
  });
});
