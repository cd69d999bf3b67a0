import { beforeEach, expect, it } from "vitest";

import { displayOf, snapshotOf } from "../../src/store/display";
import type { Telemetry } from "../../src/store/telemetry";
import { sampleAt } from "../support/frames";
import { connectedTelemetry } from "../support/telemetry";

let telemetry: Telemetry;
const receive = (seq: number) => {
  telemetry.frame({ type: "sample", sample: sampleAt(seq) });
};

beforeEach(() => {
  telemetry = connectedTelemetry();
  for (let seq = 1; seq <= 100; seq += 1) receive(seq);
});

it("ends at the newest sample and begins a window before it", () => {
  const { picture } = displayOf(telemetry, null, 60, 300);
  expect([picture.to, picture.from]).toEqual([1_764_000_100, 1_764_000_040]);
  expect(picture.slice.x[0]).toBe(1_764_000_039);
  expect(picture.sample?.seq).toBe(100);
});

it("does not change while paused, and counts the samples that wait", () => {
  const snapshot = snapshotOf(telemetry, 300);
  receive(101);
  receive(102);
  const display = displayOf(telemetry, snapshot, 60, 3000);
  expect(display).toMatchObject({
    paused: true,
    waiting: 2,
    picture: { to: 1_764_000_100, sample: { seq: 100 } },
  });
  expect(display.picture.slice.x.at(-1)).toBe(1_764_000_100);
});

it("is the same picture until it would look different", () => {
  const first = displayOf(telemetry, null, 60, 300);
  const second = displayOf(telemetry, null, 60, 400, first);
  expect(second).not.toBe(first);
  expect(second.picture).toBe(first.picture);
  expect(displayOf(telemetry, null, 60, 4000, second).picture).not.toBe(first.picture);
  expect(displayOf(telemetry, null, 300, 400, second).picture).not.toBe(first.picture);
  receive(101);
  expect(displayOf(telemetry, null, 60, 400, second).picture).not.toBe(first.picture);
});

it("keeps the warnings of the moment of the pause", () => {
  const snapshot = snapshotOf(telemetry, 300);
  for (let seq = 101; seq <= 120; seq += 1) {
    const sections = { cpu: { usage_percent: 90, steal_percent: 50 } };
    telemetry.frame({ type: "sample", sample: sampleAt(seq, sections) });
  }
  expect(displayOf(telemetry, null, 60, 300).state.alerts.has("steal")).toBe(true);
  expect(displayOf(telemetry, snapshot, 60, 300).state.alerts.has("steal")).toBe(false);
});

it("shows the span of a zoom", () => {
  const zoom = { from: 1_764_000_010, to: 1_764_000_020 };
  const snapshot = { ...snapshotOf(telemetry, 300), zoom };
  expect(displayOf(telemetry, snapshot, 60, 300).picture).toMatchObject(zoom);
});

it("keeps the window of a pause complete when the ring has moved on", () => {
  const snapshot = snapshotOf(telemetry, 300);
  for (let seq = 101; seq <= 900; seq += 1) receive(seq);
  expect(displayOf(telemetry, snapshot, 60, 300).picture.slice.known.every(Boolean)).toBe(true);
});
