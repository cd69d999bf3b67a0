/**
 * From the text of a message to a Frame. Incoming JSON is `unknown` until this file says otherwise.
 * A type nobody here knows is ignored; a known section of the wrong shape costs itself only and is
 * reported as a failed source; anything else that is wrong is an error value.
 */
import { hello, sampleHead, sourceStates, type Frame, type Json, type Sample } from "./frames";
import { SECTIONS, type SectionName } from "./sections";
import { field, object, ShapeError } from "./shape";

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
  const frame = object(value);
  switch (frame["type"]) {
    case "hello":
      return { type: "hello", hello: field({ hello: frame }, "hello", hello) };
    case "sample":
      return { type: "sample", sample: field({ sample: frame }, "sample", decodeSample) };
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
  if (!Array.isArray(value)) throw new ShapeError("a list", value).within("history.samples");
  const samples: Sample[] = [];
  const faults: string[] = [];
  value.forEach((item: unknown, index) => {
    try {
      samples.push(decodeSample(item));
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      faults.push(error.within(index).within("history.samples").message);
    }
  });
  return { type: "history", samples, faults };
}

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
      custom[name] = section as Json; // parsed JSON is Json by construction
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
