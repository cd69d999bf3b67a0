// @vitest-environment jsdom
import { expect, it, vi } from "vitest";

import { answer } from "../support/fake-browser";
import { golden, goldenObject, sampleText } from "../support/frames";
import { connect, installPage, lastStream, settle, tables } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const browser = installPage();

const at = (seq: number) => ({
  seq,
  time_unix: 1_764_000_000.125 + seq,
  uptime_seconds: 3_564_720.5 + seq,
});
const summary = () => document.querySelector("#chart-cpu-summary")?.textContent ?? "";

it("has in its text the processes of a spike as soon as they are known", async () => {
  const seqs = Array.from({ length: 30 }, (_, n) => 12 + n);
  const samples = seqs.map((seq) => ({ ...goldenObject("sample"), ...at(seq) }));
  browser.fetch.mockResolvedValueOnce(answer(200, JSON.stringify({ type: "history", samples })));
  await connect(golden("hello"), sampleText(at(42)));
  await settle(100);
  expect(summary()).not.toContain("spikes");
  const { cpu } = goldenObject("sample") as { cpu: object };
  lastStream().receive(sampleText({ ...at(43), cpu: { ...cpu, user_percent: 60 } }));
  await settle();
  expect(summary()).toMatch(/spikes: 77 % at \d\d:\d\d:\d\d$/);
  tables().at(-1)?.open();
  const top = [{ pid: 7, name: "restic", cpu_percent: 96, started_at: 1 }];
  const processes = {
    ...goldenObject("sample-processes"),
    ...at(43),
    processes: { total: 1, top },
  };
  tables().at(-1)?.receive(JSON.stringify(processes));
  // The rest of the text is at most ten seconds old.
  lastStream().receive(sampleText(at(44)));
  await settle();
  expect(summary()).toMatch(/spikes: 77 % at \d\d:\d\d:\d\d, restic 96 %$/);
});
