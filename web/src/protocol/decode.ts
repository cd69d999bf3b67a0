/**
 * From the text of a message to a Frame. Incoming JSON is `unknown` until this file says otherwise.
 * A type nobody here knows is ignored; a known section of the wrong shape costs itself only and is
 * reported as a failed source; anything else that is wrong is an error value.
 */
import {
  hello,
  sampleHead,
  sourceState,
  type Frame,
  type Json,
  type Sample,
  type SourceState,
} from "./frames";
import { SECTIONS, type SectionName } from "./sections";
import { object, ShapeError } from "./shape";

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
    return dispatch(JSON.parse(message));
  } catch (error) {
    // JSON.parse throws SyntaxError, our shapes ShapeError; both are faults of the message.
    if (error instanceof SyntaxError || error instanceof ShapeError) {
      return { type: "error", reason: error.message };
    }
    throw error;
  }
}

function dispatch(value: unknown): Frame {
  const frame = object(value, "");
  switch (frame["type"]) {
    case "hello":
      return { type: "hello", hello: hello(frame, "hello") };
    case "sample":
      return { type: "sample", sample: decodeSample(frame, "sample") };
    case "history":
      return decodeHistory(frame["samples"]);
    default:
      return typeof frame["type"] === "string"
        ? { type: "ignored", was: frame["type"] }
        : { type: "error", reason: "a message without a type" };
  }
}

/** One bad sample in a history is a hole, not the loss of the whole history. */
function decodeHistory(value: unknown): Frame {
  if (!Array.isArray(value)) throw new ShapeError("history.samples", "a list", value);
  const samples: Sample[] = [];
  const faults: string[] = [];
  value.forEach((item: unknown, index) => {
    try {
      samples.push(decodeSample(item, `history.samples[${index}]`));
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      faults.push(error.message);
    }
  });
  return { type: "history", samples, faults };
}

export function decodeSample(value: unknown, path: string): Sample {
  const source = object(value, path);
  const head = sampleHead(source, path);
  const sources = decodeSources(source["sources"], `${path}.sources`);
  const sections: Record<string, unknown> = {};
  const custom: Record<string, Json> = {};
  for (const [name, section] of Object.entries(source)) {
    if (HEAD.has(name) || section === null) continue;
    if (!isSection(name)) {
      custom[name] = section as Json; // parsed JSON is Json by construction
      continue;
    }
    try {
      sections[name] = SECTIONS[name](section, name);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      sources[name] = {
        state: "failed",
        took_seconds: null,
        reason: error.message,
        age_seconds: null,
      };
    }
  }
  return { ...head, sections, custom, sources };
}

function decodeSources(value: unknown, path: string): Record<string, SourceState> {
  const result: Record<string, SourceState> = {};
  if (value === undefined || value === null) return result;
  for (const [name, state] of Object.entries(object(value, path))) {
    result[name] = sourceState(state, `${path}.${name}`);
  }
  return result;
}

function isSection(name: string): name is SectionName {
  return Object.hasOwn(SECTIONS, name);
}
