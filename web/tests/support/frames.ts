/** The golden frames, which the server's tests use too, and variations of them. */
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

/** The golden sample as text, with other fields. */
export function sampleText(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...goldenObject("sample"), ...changes });
}

/** The golden sample as it would be with this sequence number, one second after the one before. */
export function sampleAt(seq: number, changes: Record<string, unknown> = {}): Sample {
  const base = goldenObject("sample");
  const moved = { seq, time_unix: 1_764_000_000 + seq, uptime_seconds: 5000 + seq };
  return decodeSample({ ...base, ...moved, ...changes });
}

/** The golden sample without these sections. */
export function sampleWithout(...names: readonly string[]): Sample {
  const wire = Object.entries(goldenObject("sample")).filter(([name]) => !names.includes(name));
  return decodeSample(Object.fromEntries(wire));
}

/** The golden sample without this section, because its source failed. */
export function sampleFailing(name: string, reason: string): Sample {
  const { [name]: _, ...rest } = goldenObject("sample");
  const sources = { [name]: { state: "failed", took_seconds: 0, reason } };
  return decodeSample({ ...rest, sources });
}

export function hello(changes: Record<string, unknown> = {}): Hello {
  const frame = decodeFrame(JSON.stringify({ ...goldenObject("hello"), ...changes }));
  if (frame.type !== "hello") throw new Error(JSON.stringify(frame));
  return frame.hello;
}
