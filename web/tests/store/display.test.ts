import { beforeEach, expect, it } from "vitest";

import { decodeFrame } from "../../src/protocol/decode";
import { displayOf, snapshotOf, type Display, type Snapshot } from "../../src/store/display";
import type { Telemetry } from "../../src/store/telemetry";
import type { Pause } from "../../src/store/timeline";
import { alertOf, alertsText } from "../support/alerts";
import { sampleAt } from "../support/frames";
import { connectedTelemetry } from "../support/telemetry";

const EDGE = 1_764_000_100;

let telemetry: Telemetry;
const receive = (seq: number) => {
  telemetry.frame({ type: "sample", sample: sampleAt(seq) });
};

const live = (windowSeconds: number, nowMs: number, before: Display | null = null) =>
  displayOf(telemetry, null, { pause: null, windowSeconds }, nowMs, before);
const pausedAt = (snapshot: Snapshot, zoom: Pause["zoom"] = null, nowMs = 300) =>
  displayOf(telemetry, snapshot, { pause: { edge: EDGE, zoom }, windowSeconds: 60 }, nowMs);

beforeEach(() => {
  telemetry = connectedTelemetry();
  for (let seq = 1; seq <= 100; seq += 1) receive(seq);
});

it("ends at the newest sample and begins a window before it", () => {
  const { picture } = live(60, 300);
  expect([picture.to, picture.from]).toEqual([1_764_000_100, 1_764_000_040]);
  expect(picture.slice.x[0]).toBe(1_764_000_039);
  expect(picture.sample?.seq).toBe(100);
});

it("does not change while paused, and counts the samples that wait", () => {
  const snapshot = snapshotOf(telemetry);
  receive(101);
  receive(102);
  const display = pausedAt(snapshot, null, 3000);
  expect(display).toMatchObject({
    paused: true,
    waiting: 2,
    picture: { to: 1_764_000_100, sample: { seq: 100 } },
  });
  expect(display.picture.slice.x.at(-1)).toBe(1_764_000_100);
});

it("is the same picture until it would look different", () => {
  const first = live(60, 300);
  const second = live(60, 400, first);
  expect(second).not.toBe(first);
  expect(second.picture).toBe(first.picture);
  expect(live(60, 4000, second).picture).not.toBe(first.picture);
  expect(live(300, 400, second).picture).not.toBe(first.picture);
  receive(101);
  expect(live(60, 400, second).picture).not.toBe(first.picture);
});

it("keeps the alerts of the moment of the pause", () => {
  const snapshot = snapshotOf(telemetry);
  telemetry.frame(decodeFrame(alertsText([alertOf()])));
  expect(live(60, 300).state.alerts.firing).toHaveLength(1);
  expect(pausedAt(snapshot).state.alerts.firing).toEqual([]);
});

it("shows the span of a zoom", () => {
  const zoom = { from: 1_764_000_010, to: 1_764_000_020 };
  expect(pausedAt(snapshotOf(telemetry), zoom).picture).toMatchObject(zoom);
});

it("keeps the window of a pause complete when the ring has moved on", () => {
  const snapshot = snapshotOf(telemetry);
  for (let seq = 101; seq <= 900; seq += 1) receive(seq);
  expect(pausedAt(snapshot).picture.slice.known.every(Boolean)).toBe(true);
});
