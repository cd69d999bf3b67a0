import { beforeEach, describe, expect, it } from "vitest";

import { displayOf, freezeOf, liveEdge } from "../../src/store/display";
import { createTelemetry, type Telemetry } from "../../src/store/telemetry";
import { hello, sampleAt } from "../support/frames";

let telemetry: Telemetry;
const take = (seq: number) => {
  telemetry.frame({ type: "sample", sample: sampleAt(seq) });
};

beforeEach(() => {
  telemetry = createTelemetry({ monotonicMs: () => 0, unixSeconds: () => 0 });
  telemetry.opened();
  telemetry.frame({ type: "hello", hello: hello() });
  for (let seq = 1; seq <= 100; seq += 1) take(seq);
});

describe("the display", () => {
  it("ends at the newest sample, and reaches back for the window", () => {
    const display = displayOf(telemetry, null, 60, 300);
    const { picture } = display;
    expect([picture.to, picture.from]).toEqual([1_764_000_100, 1_764_000_040]);
    expect(picture.slice.x[0]).toBe(1_764_000_039);
    expect(picture.sample?.seq).toBe(100);
  });

  it("moves on in whole ticks when samples do not come", () => {
    expect([300, 900, 4000].map((ms) => liveEdge(telemetry, ms) - 1_764_000_100)).toEqual([
      0, 1, 4,
    ]);
  });

  it("stands still while paused, and counts what waits", () => {
    const freeze = freezeOf(telemetry, 300);
    take(101);
    take(102);
    const display = displayOf(telemetry, freeze, 60, 3000);
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
    take(101);
    expect(displayOf(telemetry, null, 60, 400, second).picture).not.toBe(first.picture);
  });

  it("shows the zoomed span", () => {
    const freeze = {
      ...freezeOf(telemetry, 300),
      zoom: { from: 1_764_000_010, to: 1_764_000_020 },
    };
    expect(displayOf(telemetry, freeze, 60, 300).picture).toMatchObject({
      from: 1_764_000_010,
      to: 1_764_000_020,
    });
  });

  it("keeps the frozen window whole when the ring has long moved on", () => {
    const freeze = freezeOf(telemetry, 300);
    for (let seq = 101; seq <= 900; seq += 1) take(seq);
    expect(displayOf(telemetry, freeze, 60, 300).picture.slice.known.every(Boolean)).toBe(true);
  });
});
