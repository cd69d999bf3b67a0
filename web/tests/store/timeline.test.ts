import { expect, it } from "vitest";

import { liveEdge, timelineOf } from "../../src/store/timeline";
import { sampleAt } from "../support/frames";
import { connectedTelemetry } from "../support/telemetry";

it("ends now and moves while live", () => {
  expect(timelineOf(null, 60, 1000)).toEqual({
    from: 940,
    to: 1000,
    now: 1000,
    mode: "live",
    speed: 1,
  });
});

it("stands still at the pause, with another window if the viewer chooses one", () => {
  const pause = { edge: 900, zoom: null };
  expect(timelineOf(pause, 60, 1000)).toMatchObject({ from: 840, to: 900, now: 900, speed: 0 });
  expect(timelineOf(pause, 300, 1000)).toMatchObject({ from: 600, mode: "paused" });
});

it("shows the span of a zoom", () => {
  const zoom = { from: 850, to: 870 };
  expect(timelineOf({ edge: 900, zoom }, 60, 1000)).toMatchObject({ ...zoom, mode: "zoomed" });
});

it("is the time of the page before the first sample", () => {
  const state = connectedTelemetry({}, () => 5000).store.get();
  expect(liveEdge(state, 8000)).toBe(8);
});

it("moves on in whole ticks when no sample arrives", () => {
  const telemetry = connectedTelemetry();
  telemetry.frame({ type: "sample", sample: sampleAt(100) });
  const state = telemetry.store.get();
  expect([300, 900, 1400, 1600, 4000].map((ms) => liveEdge(state, ms) - 1_764_000_100)).toEqual([
    0, 0, 0, 1, 4,
  ]);
});
