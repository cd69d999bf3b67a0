// @vitest-environment jsdom
import { act, fireEvent, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import "../../src/sections/processes/rows"; // so that the page, which loads it later, does not wait for a file
import { answer } from "../support/fake-browser";
import { golden, goldenObject, sampleText } from "../support/frames";
import { badge, connect, installPage, lastStream, settle, tables, value } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const browser = installPage();

const receive = async (message: string) => {
  tables().at(-1)?.receive(message);
  await settle();
};
let seq = 42;
/** Lets seconds pass in which the stream sends samples, and the last table this message. */
const live = async (seconds: number, table?: string) => {
  for (let second = 0; second < seconds; second += 1) {
    seq += 1;
    lastStream().receive(sampleText({ seq, time_unix: 1_764_000_000 + seq }));
    if (table !== undefined) tables().at(-1)?.receive(table);
    await settle(1000);
  }
};
beforeEach(() => {
  seq = 42;
});

it("asks for processes only while the stream is connected", async () => {
  expect(tables()).toHaveLength(0);
  await connect();
  expect(tables()).toHaveLength(1);
  lastStream().end(1006);
  await settle(100);
  expect(tables()[0]?.readyState).toBe(3);
  await settle(500);
  await connect();
  expect(tables()).toHaveLength(2);
});

it("shows the server's reason while there is no process table, and then the table", async () => {
  await connect();
  const error = '{"error":"too many viewers from this address"}';
  browser.fetch.mockImplementation(() => Promise.resolve(answer(429, error)));
  tables().at(-1)?.end(1006);
  await settle();
  expect(badge()).toBe("live");
  const failure = /failed: too many viewers from this address/;
  expect(screen.getByText(failure)).toBeTruthy();
  await settle(600);
  tables().at(-1)?.open();
  await receive(golden("sample-processes"));
  expect(screen.queryByText(failure)).toBeNull();
});

it("counts the bytes of the processes among those of this viewer, while it receives them", async () => {
  await connect();
  const bytes = () => Number.parseFloat(value("per-viewer"));
  const alone = golden("sample").length / 1024;
  expect(bytes()).toBeCloseTo(alone, 1);
  tables().at(-1)?.open();
  await receive(golden("sample-processes"));
  expect(bytes()).toBeCloseTo(alone + golden("sample-processes").length / 1024, 1);
  tables().at(-1)?.end(1006);
  await settle();
  expect(bytes()).toBeCloseTo(alone, 1);
});

it("does not change the process table while the page is paused", async () => {
  await connect();
  tables().at(-1)?.open();
  await receive(golden("sample-processes"));
  expect(value("process-count")).toBe("412");
  act(() => {
    fireEvent.keyDown(window, { key: "p" });
  });
  const fewer = { ...goldenObject("sample-processes"), seq: 43, processes: { total: 7, top: [] } };
  await receive(JSON.stringify(fewer));
  expect(value("process-count")).toBe("412");
});

it("replaces a connection that is silent while the stream goes on, which cannot show it", async () => {
  await connect();
  tables().at(-1)?.open();
  await live(12, golden("sample-processes"));
  expect(tables()).toHaveLength(1);
  const withProcesses = Number.parseFloat(value("per-viewer"));
  await live(12);
  expect([badge(), tables().length]).toEqual(["live", 2]);
  const size = golden("sample-processes").length / 1024;
  expect(withProcesses - Number.parseFloat(value("per-viewer"))).toBeCloseTo(size, 1);
  tables().at(-1)?.open();
  await live(15); // a sample may take longer
  expect([badge(), tables().length]).toEqual(["live", 2]);
  await live(7);
  expect([badge(), tables().length]).toEqual(["live", 3]);
});

it("waits as long as the server asks, also after the tab was hidden", async () => {
  await connect();
  const error = '{"error":"too many viewers"}';
  browser.fetch.mockImplementation(() =>
    Promise.resolve(answer(503, error, { "Retry-After": "10" })),
  );
  tables().at(-1)?.end(1006);
  await live(2);
  const visibility = vi.spyOn(document, "visibilityState", "get");
  for (const state of ["hidden", "visible"] as const) {
    visibility.mockReturnValue(state);
    document.dispatchEvent(new Event("visibilitychange"));
    await settle();
  }
  await live(7);
  expect([badge(), tables().length]).toEqual(["live", 1]);
  expect(screen.getByText(/failed: too many viewers/)).toBeTruthy();
  await live(3);
  expect(tables()).toHaveLength(2);
});

it("draws the sample and the processes of a tick at the same time", async () => {
  await connect();
  tables().at(-1)?.open();
  const sample = sampleText({ seq: 43, time_unix: 1_764_000_043, cpu: { usage_percent: 87 } });
  lastStream().receive(sample);
  await settle(15);
  tables().at(-1)?.receive(golden("sample-processes"));
  expect([value("cpu"), value("process-count")]).toEqual(["29", "–"]);
  await settle(15);
  expect([value("cpu"), value("process-count")]).toEqual(["87", "412"]);
});
