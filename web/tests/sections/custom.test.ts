// @vitest-environment jsdom
import { screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";

import { namesOf } from "../../src/sections/custom/names";
import { rowsOf } from "../../src/sections/custom/rows";
import { flatten } from "../../src/store/flatten";
import { golden, sampleAt, sampleText } from "../support/frames";
import { connect, installPage, lastStream, settle, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

it("writes each value in the unit that its name ends in", () => {
  const rows = rowsOf({
    waiting_jobs: 17,
    oldest_seconds: 2.4,
    cache_bytes: 2 ** 20,
    ratio: 0.123,
    mode: "fast",
    open: true,
    last: null,
    lanes: { fast_percent: 91 },
    shards: [3, 4],
    queues: [{ name: "mail", waiting_jobs: 5, tags: { a: 1, b: 2 } }],
  });
  expect(rows.map(({ path, name, text }) => [path, name, text])).toEqual([
    ["waiting_jobs", "waiting jobs", "17"],
    ["oldest_seconds", "oldest", "2.4 s"],
    ["cache_bytes", "cache", "1.00 MiB"],
    ["ratio", "ratio", "0.12"],
    ["mode", "mode", "fast"],
    ["open", "open", "true"],
    ["last", "last", "–"],
    ["lanes.fast_percent", "lanes fast", "91 %"],
    ["shards.1", "shards 1", "3"],
    ["shards.2", "shards 2", "4"],
    ["queues.mail.name", "queues mail name", "mail"],
    ["queues.mail.waiting_jobs", "queues mail waiting jobs", "5"],
    ["queues.mail.tags", "queues mail tags", "2 values"],
  ]);
});

it.each([
  [3, [["", "value", "3"]]],
  ["up", [["", "value", "up"]]],
  [null, [["", "value", "–"]]],
  [
    [1, "b"],
    [
      ["1", "1", "1"],
      ["2", "2", "b"],
    ],
  ],
  [
    [{ name: "eu", rate: 2 }],
    [
      ["eu.name", "eu name", "eu"],
      ["eu.rate", "eu rate", "2"],
    ],
  ],
  [{}, []],
])("has rows for a section of any form: %j", (section, expected) => {
  expect(rowsOf(section).map(({ path, name, text }) => [path, name, text])).toEqual(expected);
});

it("has the columns of its numbers", () => {
  const custom = { queues: [{ name: "mail", waiting: 5 }], ratio: 2 };
  const columns = Object.fromEntries(flatten(sampleAt(1, custom)));
  for (const [name, section] of Object.entries(custom)) {
    for (const { path, isNumber } of rowsOf(section)) {
      if (isNumber) expect(columns[path === "" ? name : `${name}.${path}`]).toBeTypeOf("number");
    }
  }
});

it("cuts a text that nobody can read in a table", () => {
  expect(rowsOf("x".repeat(100_000))[0]?.text).toHaveLength(301);
});

it("is there while its source fails, and a section of the server is not taken for one", () => {
  const sources = {
    queues: { state: "failed", took_seconds: 0, reason: "refused" },
    memory: { state: "failed", took_seconds: 0, reason: "no MemTotal" },
  };
  expect(namesOf(sampleAt(1, { sources, jobs: 3 }))).toEqual(["jobs", "queues"]);
});

describe("the panel", () => {
  installPage();

  it("leaves no row behind when rows with the same name have changed", async () => {
    await connect(golden("hello"), sampleText({ jobs: [{ name: "a" }, { name: "a" }] }));
    await settleImports();
    const panel = screen.getByRole("region", { name: "Jobs" });
    const rows = () => [...panel.querySelectorAll("dl > div")].map((row) => row.textContent);
    expect(rows()).toEqual(["a namea", "a namea"]);
    lastStream().receive(
      sampleText({ seq: 43, uptime_seconds: 3_564_763.5, jobs: [{ name: "b" }] }),
    );
    await settle();
    expect(rows()).toEqual(["b nameb"]);
  });
});
