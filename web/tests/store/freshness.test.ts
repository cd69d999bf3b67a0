import { describe, expect, it } from "vitest";

import { endOf, refusedWith } from "../../src/protocol/ends";
import { freshness } from "../../src/store/freshness";
import { createTelemetry } from "../../src/store/telemetry";
import { hello, sampleAt } from "../support/frames";

function live(intervalSeconds = 1) {
  const telemetry = createTelemetry({ monotonicMs: () => 0, unixSeconds: () => 0 });
  telemetry.opened();
  telemetry.frame({ type: "hello", hello: hello({ interval_seconds: intervalSeconds }) });
  telemetry.frame({ type: "sample", sample: sampleAt(1) });
  return telemetry;
}

describe("freshness", () => {
  it.each([
    [300, "live"],
    [2500, "live"],
    [2501, "late"],
    [10_000, "late"],
    [10_001, "lost"],
  ])("after %s ms of silence at one sample a second is %s", (ms, kind) => {
    expect(freshness(live().store.get(), ms).kind).toBe(kind);
  });

  it("is patient with a stream that speaks each minute", () => {
    const state = live(60).store.get();
    expect([149_000, 151_000, 241_000].map((ms) => freshness(state, ms).kind)).toEqual([
      "live",
      "late",
      "lost",
    ]);
  });

  it("is lost at once when the connection closes, and says when the next try comes", () => {
    const telemetry = live();
    telemetry.closed(endOf(1006), 2600);
    expect(freshness(telemetry.store.get(), 300)).toEqual({
      kind: "lost",
      ageSeconds: 0.3,
      nextTrySeconds: 3,
    });
    expect(freshness(telemetry.store.get(), 9000)).toMatchObject({ nextTrySeconds: 0 });
  });

  it("names the end that the server named", () => {
    const telemetry = live();
    telemetry.closed(endOf(1008), null);
    expect(freshness(telemetry.store.get(), 300)).toMatchObject({
      kind: "ended",
      name: "not allowed",
      nextTrySeconds: null,
    });
  });

  it.each([
    ["at the first try", createTelemetry({ monotonicMs: () => 0, unixSeconds: () => 0 }), null],
    ["later", live(), 0.3],
  ])("is refused in the server's words %s", (_, telemetry, ageSeconds) => {
    telemetry.closed(refusedWith(503, "there are 2 viewers"), 500);
    expect(freshness(telemetry.store.get(), 300)).toEqual({
      kind: "refused",
      ageSeconds,
      name: "refused",
      why: "there are 2 viewers",
      nextTrySeconds: 1,
    });
  });

  it("is connecting until the first sample, with the reason of the last failure", () => {
    const telemetry = createTelemetry({ monotonicMs: () => 0, unixSeconds: () => 0 });
    telemetry.closed(endOf(1006), 500);
    expect(freshness(telemetry.store.get(), 4000)).toEqual({
      kind: "connecting",
      seconds: 4,
      why: "the connection broke",
      nextTrySeconds: 0,
    });
  });

  it("is live again with the first sample after a break", () => {
    const telemetry = live();
    telemetry.closed(endOf(1006), 500);
    telemetry.opened();
    telemetry.frame({ type: "sample", sample: sampleAt(30) });
    expect(freshness(telemetry.store.get(), 100).kind).toBe("live");
  });
});
