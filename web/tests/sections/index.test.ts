/** What holds for every section, found as the page finds them: a new section is tested here without a change. */
import { describe, expect, it } from "vitest";

import type { Sample } from "../../src/protocol/frames";
import { chartsFor, columnsOf, PANELS, VITALS } from "../../src/sections";
import type { ChartContext } from "../../src/sections/section";
import { sampleAt, sampleFailing, sampleWithout } from "../support/frames";

const namesOf = (sample: Sample | null, focus: string) =>
  chartsFor(sample, focus).map((vital) => vital.focus);

describe("the charts", () => {
  it("have the same places before the first sample and after it", () => {
    expect(namesOf(null, "cpu")).toEqual(namesOf(sampleAt(1), "cpu"));
  });

  it("show the one in focus of two with the same place, else the first one", () => {
    const places = namesOf(sampleAt(1), "cpu");
    expect(places).not.toContain("heat");
    expect(namesOf(sampleAt(1), "heat")).toEqual(
      places.map((name) => (name === "disk" ? "heat" : name)),
    );
    expect(namesOf(sampleWithout("disk", "disks"), "cpu")).toContain("heat");
  });

  it.each(["disk", "network", "temperatures"])("keep their places while %s fails", (name) => {
    expect(namesOf(sampleFailing(name, "EIO"), "cpu")).toEqual(namesOf(sampleAt(1), "cpu"));
  });

  it("leave out what the host does not have", () => {
    const bare = sampleWithout("disk", "disks", "temperatures", "network", "interfaces");
    const left = namesOf(bare, "heat");
    expect(left.filter((name) => ["disk", "heat", "network"].includes(name))).toEqual([]);
    expect(left).toContain("cpu");
  });
});

describe.each(VITALS)("the vital $focus", ({ focus, chart }) => {
  const contexts = [true, false].flatMap((focused) =>
    chart.facets.map((facet): ChartContext => {
      return { sample: sampleAt(1), facet, slice: null, focused };
    }),
  );

  it("draws only columns that a sample has", () => {
    const columns = new Set(columnsOf(sampleAt(1)).map(([name]) => name));
    const nullInTheSample = /(read|write)_await_ms$|dm-0.util_percent$/;
    for (const context of contexts) {
      for (const name of chart.draw(context).series.flatMap((series) => series.columns)) {
        if (!nullInTheSample.test(name)) expect(columns).toContain(name);
      }
    }
  });

  it("can be drawn before the first sample", () => {
    for (const context of contexts) chart.draw({ ...context, sample: null });
  });

  it("has a key and a name in the address of its own", () => {
    expect(VITALS.filter((other) => other.focus === focus)).toHaveLength(1);
  });
});

it.each(["temperatures", "disk", "disks", "network", "interfaces", "tcp", "filesystems"])(
  "keeps every tile and panel while %s fails, so that nothing moves",
  (name) => {
    const shown = (sample: Sample) => [
      ...VITALS.filter(({ isShown }) => isShown?.(sample) !== false).map(({ label }) => label),
      ...PANELS.filter(({ isShown }) => isShown(sample)).map(({ title }) => title),
    ];
    expect(shown(sampleFailing(name, "EIO"))).toEqual(expect.arrayContaining(shown(sampleAt(1))));
  },
);

it("has a title for every panel, and no two with the same", () => {
  const titles = PANELS.map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
});
