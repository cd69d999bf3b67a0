import { expect, it } from "vitest";

import { endOf, refusedWith } from "../../src/protocol/ends";
import { freshness } from "../../src/store/freshness";
import { sampleAt } from "../support/frames";
import { connectedTelemetry, newTelemetry } from "../support/telemetry";

function live(intervalSeconds = 1) {
  const telemetry = connectedTelemetry({ interval_seconds: intervalSeconds });
  telemetry.frame({ type: "sample", sample: sampleAt(1) });
  return telemetry;
}

it.each([
  [300, "live"],
  [2500, "live"],
  [2501, "late"],
  [10_000, "late"],
  [10_001, "lost"],
])("after a silence of %s ms at one sample per second is %s", (ms, kind) => {
  expect(freshness(live().store.get(), ms).kind).toBe(kind);
});

it("waits longer for a stream with one sample per minute", () => {
  const state = live(60).store.get();
  expect([149_000, 151_000, 241_000].map((ms) => freshness(state, ms).kind)).toEqual([
    "live",
    "late",
    "lost",
  ]);
});

it("is lost at once when the connection closes, with the time until the next try", () => {
  const telemetry = live();
  telemetry.closed(endOf(1006), 2600);
  expect(freshness(telemetry.store.get(), 300)).toEqual({
    kind: "lost",
    ageSeconds: 0.3,
    nextTrySeconds: 3,
  });
  expect(freshness(telemetry.store.get(), 9000)).toMatchObject({ nextTrySeconds: 0 });
});

it("has the server's reason for the end", () => {
  const telemetry = live();
  telemetry.closed(endOf(1008), null);
  expect(freshness(telemetry.store.get(), 300)).toMatchObject({
    kind: "ended",
    name: "not allowed",
    nextTrySeconds: null,
  });
});

it.each([
  ["at the first try", newTelemetry(), null],
  ["later", live(), 0.3],
])("is refused with the server's reason %s", (_, telemetry, ageSeconds) => {
  telemetry.closed(refusedWith(503, "too many viewers"), 500);
  expect(freshness(telemetry.store.get(), 300)).toEqual({
    kind: "refused",
    ageSeconds,
    name: "refused",
    reason: "too many viewers",
    nextTrySeconds: 1,
  });
});

it("is connecting until the first sample, with the reason of the last failure", () => {
  const telemetry = newTelemetry();
  const end = endOf(1006);
  telemetry.closed(end, 500);
  expect(freshness(telemetry.store.get(), 4000)).toEqual({
    kind: "connecting",
    seconds: 4,
    reason: end.reason,
    nextTrySeconds: 0,
  });
});

it("is live with the first sample after an interruption", () => {
  const telemetry = live();
  telemetry.closed(endOf(1006), 500);
  telemetry.opened();
  telemetry.frame({ type: "sample", sample: sampleAt(30) });
  expect(freshness(telemetry.store.get(), 100).kind).toBe("live");
});
