/**
 * From the text of a message to a Frame. Incoming JSON is `unknown` until this file has checked it. A message of an
 * unknown type is ignored. A known section of the wrong shape is left out and reported as a failed source. Any other
 * fault becomes an error value.
 */
import { SECTIONS, type SectionName } from "./sections";
import {
  alertsMessage,
  hello,
  sampleHead,
  sourceStates,
  type Frame,
  type Json,
  type Sample,
} from "./frames";
import { field, list, object, ShapeError } from "./shape";
import { parseShown } from "./shown";

const HEAD = new Set([
  "type",
  "stream",
  "host",
  "seq",
  "time_unix",
  "uptime_seconds",
  "interval_seconds",
  "sources",
]);

export function decodeFrame(message: unknown): Frame {
  if (typeof message !== "string") return { type: "error", reason: "not a text message" };
  try {
    return dispatch(parseShown(message));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) {
      return { type: "error", reason: error.message };
    }
    throw error;
  }
}

function dispatch(value: unknown): Frame {
  const frame = object(value);
  switch (frame["type"]) {
    case "hello":
      return { type: "hello", hello: field({ hello: frame }, "hello", hello) };
    case "sample":
      return { type: "sample", sample: field({ sample: frame }, "sample", decodeSample) };
    case "alerts":
      return { type: "alerts", alerts: field({ alerts: frame }, "alerts", alertsMessage) };
    default:
      return typeof frame["type"] === "string"
        ? { type: "ignored", was: frame["type"] }
        : { type: "error", reason: "a message without a type" };
  }
}

/**
 * Return the samples of a history, oldest first and not decoded yet: there may be hundreds. Throws SyntaxError or
 * ShapeError.
 */
export function historySamples(message: string): readonly unknown[] {
  const frame = object(parseShown(message));
  return field(frame, "samples", list(anything));
}

const anything = (value: unknown): unknown => value;

export function decodeSample(value: unknown): Sample {
  const source = object(value);
  const head = sampleHead(source);
  const sources = { ...field(source, "sources", sourceStates) };
  const sections: Record<string, unknown> = {};
  const custom: Record<string, Json> = {};
  for (const name of Object.keys(source)) {
    const section = source[name];
    if (HEAD.has(name) || section === null) continue;
    if (!isSection(name)) {
      custom[name] = section as Json; // the result of JSON.parse is Json
      continue;
    }
    try {
      sections[name] = SECTIONS[name](section);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      const reason = error.within(name).message;
      sources[name] = { state: "failed", took_seconds: null, reason, age_seconds: null };
    }
  }
  return { ...head, sections, custom, sources };
}

function isSection(name: string): name is SectionName {
  return Object.hasOwn(SECTIONS, name);
}
