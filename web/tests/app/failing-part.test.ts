// @vitest-environment jsdom
import { screen } from "@testing-library/react";
import { createElement, type ComponentType } from "react";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";

const { state, breakable } = vi.hoisted(() => {
  const shared = { broken: new Set<string>() };
  const fail = (name: string) => {
    if (shared.broken.has(name)) throw new Error(`[${name}] is broken`);
  };
  return {
    state: shared,
    /** Returns a component that fails while its name is in `state`. */
    breakable:
      <P extends object>(name: string, Part: ComponentType<P>) =>
      (props: P) => {
        fail(name);
        return createElement(Part, props);
      },
  };
});

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: breakable("charts", () => null) }));
vi.mock("../../src/shell/announcer", async (load) => {
  const { Announcer } = await load<typeof import("../../src/shell/announcer")>();
  return { Announcer: breakable("announcer", Announcer) };
});
vi.mock("../../src/shell/badge", async (load) => {
  const { Badge } = await load<typeof import("../../src/shell/badge")>();
  return { Badge: breakable("badge", Badge) };
});
vi.mock("../../src/shell/explain", async (load) => {
  const { Explain } = await load<typeof import("../../src/shell/explain")>();
  return { Explain: breakable("tooltip", Explain) };
});
vi.mock("../../src/sections", async (load) => {
  const sections = await load<typeof import("../../src/sections")>();
  return {
    ...sections,
    VITALS: sections.VITALS.map((vital) => ({
      ...vital,
      Tile: breakable(`tile ${vital.focus}`, vital.Tile),
    })),
    PANELS: sections.PANELS.map((panel) => ({
      ...panel,
      Panel: breakable(`panel ${panel.title}`, panel.Panel),
    })),
    HEADER_FACTS: sections.HEADER_FACTS.map((Fact, at) => breakable(`fact ${at}`, Fact)),
  };
});

// The other tests of this worker share the loaded modules, but need these unchanged.
vi.resetModules();
const { golden, sampleText } = await import("../support/frames");
const { connect, installPage, settle, settleImports } = await import("../support/page");
const { HEADER_FACTS, PANELS, VITALS } = await import("../../src/sections");
afterAll(() => {
  vi.resetModules();
});

/** What is on the page for each part of it that works. */
const SIGNS = ["host", "freshness", "cpu", "connections"];
const LOST: Readonly<Record<string, string>> = {
  badge: "freshness",
  "tile cpu": "cpu",
  "panel TCP": "connections",
};
/** With something to show in every part. */
const failed = { state: "failed", took_seconds: 0, reason: "gone" };
const sample = sampleText({
  cgroup: { memory_limit_bytes: 1 },
  job_queue: { waiting: 3 },
  // A panel of hardware that this host does not have is shown if its source fails.
  sources: Object.fromEntries(
    ["power", "storage", "units", "gpus", "containers", "container_counts"].map((name) => [
      name,
      failed,
    ]),
  ),
});

const PARTS = [
  ...["charts", "announcer", "badge", "tooltip"],
  ...HEADER_FACTS.map((_, at) => `fact ${at}`),
  ...VITALS.map(({ focus }) => `tile ${focus}`),
  ...PANELS.map(({ title }) => `panel ${title}`),
];

// Several at once, because one page per part takes seconds. Each part has neighbours that fail and others that do not.
describe.each([
  ["all parts", PARTS],
  ["every second part", PARTS.filter((_, at) => at % 2 === 0)],
  ["every other part", PARTS.filter((_, at) => at % 2 === 1)],
])("%s", (_, names) => {
  beforeEach(() => {
    state.broken = new Set(names);
    vi.spyOn(console, "error").mockImplementation(() => undefined); // React reports each error there
  });
  installPage();

  it("leave the rest of the page when they fail, show their reasons, and are tried again", async () => {
    await connect(golden("hello"), sample);
    await settleImports();
    const present = () => SIGNS.filter((id) => screen.queryByTestId(id) !== null);
    const lost = names.map((name) => LOST[name]);
    expect(present()).toEqual(SIGNS.filter((id) => !lost.includes(id)));
    const reported = () =>
      PARTS.filter((name) => document.body.innerHTML.includes(`[${name}] is broken`));
    expect(reported()).toEqual(names);
    state.broken = new Set();
    await settle(11_000);
    expect(reported()).toEqual([]);
    expect(present()).toEqual(SIGNS);
  });
});
