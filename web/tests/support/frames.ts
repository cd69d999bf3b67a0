/** The golden frames, shared with the server's tests, and variations of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { decodeFrame, decodeSample } from "../../src/protocol/decode";
import type { Hello, Sample } from "../../src/protocol/frames";

const folder = join(import.meta.dirname, "../../../tests/fixtures/frames");

export function golden(name: string): string {
  return readFileSync(join(folder, `${name}.json`), "utf8");
}

export function goldenObject(name: string): Record<string, unknown> {
  return JSON.parse(golden(name)) as Record<string, unknown>;
}

/** The golden sample, its head changed so that it comes `seq` ticks into its run. */
export function sampleText(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...goldenObject("sample"), ...changes });
}

export function sampleAt(seq: number, changes: Record<string, unknown> = {}): Sample {
  const base = goldenObject("sample");
  const moved = { seq, time_unix: 1_764_000_000 + seq, uptime_seconds: 5000 + seq };
  return decodeSample({ ...base, ...moved, ...changes });
}

export function hello(changes: Record<string, unknown> = {}): Hello {
  const frame = decodeFrame(JSON.stringify({ ...goldenObject("hello"), ...changes }));
  if (frame.type !== "hello") throw new Error(JSON.stringify(frame));
  return frame.hello;
}
