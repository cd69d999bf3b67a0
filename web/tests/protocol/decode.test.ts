import { describe, expect, it } from "vitest";

import { decodeFrame, decodeSample, historySamples } from "../../src/protocol/decode";
import { SECTIONS } from "../../src/protocol/sections";
import { golden, goldenObject, sampleText } from "../support/frames";

/** The known values of what was decoded. The wire has all of them, and may have more. */
function withoutNull(value: object): object {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) => (item === null ? undefined : item)),
  ) as object;
}

describe("decodeFrame", () => {
  it("decodes the golden hello", () => {
    expect(decodeFrame(golden("hello"))).toMatchObject({
      type: "hello",
      hello: { protocol: 1, host: { name: "ada", cores: 4 }, interval_seconds: 1, sections: null },
    });
  });

  it.each([
    ["kitchen", "kitchen"],
    [null, null],
    [undefined, null], // an older server
  ])("decodes the user %s of a hello as %s", (user, taken) => {
    const frame = decodeFrame(JSON.stringify({ ...goldenObject("hello"), user }));
    expect(frame).toMatchObject({ type: "hello", hello: { user: taken } });
  });

  it("decodes every section of the golden sample as it is on the wire", () => {
    const wire = goldenObject("sample");
    const frame = decodeFrame(golden("sample"));
    if (frame.type !== "sample") throw new Error(JSON.stringify(frame));
    const { sections, sources, custom, seq } = frame.sample;
    expect(seq).toBe(42);
    expect(custom).toEqual({});
    expect(sources).toMatchObject(wire["sources"] as object);
    expect(Object.keys(sections)).toEqual(Object.keys(wire).filter((name) => name in SECTIONS));
    expect(wire).toMatchObject(withoutNull(sections));
    expect(sections.cpu?.cores?.map((core) => core.id)).toEqual([0, 1, 3]);
  });

  it("decodes the processes of a viewer that asked for nothing else", () => {
    const frame = decodeFrame(golden("sample-processes"));
    expect(frame).toMatchObject({
      sample: {
        sections: { processes: { total: 412, by_state: { disk_sleep: 2 }, top: { length: 5 } } },
      },
    });
  });

  it("distinguishes null from zero", () => {
    const samples = historySamples(golden("history")).map(decodeSample);
    expect(samples.map((sample) => sample.seq)).toEqual([1, 40, 41]);
    expect(samples[0]?.sections.cpu?.usage_percent).toBeNull();
    expect(samples[1]?.sections.cpu?.steal_percent).toBe(0);
  });

  it.each(["", "[]", '{"type":"history"}', '{"samples":{}}', "<html>"])(
    "refuses %s as a history",
    (text) => {
      expect(() => historySamples(text)).toThrow();
    },
  );

  it("keeps the section of an embedding program unchanged", () => {
    const frame = decodeFrame(golden("sample-custom"));
    expect(frame).toMatchObject({
      sample: {
        custom: { job_queue: { waiting_jobs: 17 } },
        sources: { memory: { state: "psutil" } },
      },
    });
  });

  it("ignores a type it does not know", () => {
    expect(decodeFrame(golden("event"))).toEqual({ type: "ignored", was: "deploy" });
  });

  it("decodes fields that an older server does not send as not known", () => {
    const frame = decodeFrame(sampleText({ memory: { used_bytes: 1 }, future: 3 }));
    expect(frame).toMatchObject({
      sample: { sections: { memory: { used_bytes: 1, total_bytes: null } } },
    });
  });

  it("leaves out only the section of the wrong shape, and reports it as failed", () => {
    const frame = decodeFrame(sampleText({ load: { avg1: "high" } }));
    if (frame.type !== "sample") throw new Error(JSON.stringify(frame));
    expect(frame.sample.sections.load).toBeUndefined();
    expect(frame.sample.sections.memory).toBeDefined();
    expect(frame.sample.sources["load"]).toMatchObject({
      state: "failed",
      reason: "load.avg1: expected a number, got a string",
    });
  });

  it.each([
    ["text that is not JSON", "{", /JSON/],
    ["JSON that is not an object", "[]", /expected an object, got a list/],
    ["a message without a type", "{}", /without a type/],
    ["a blob", new ArrayBuffer(2), /not a text message/],
    ["a seq that is not a number", sampleText({ seq: "42" }), /sample.seq: expected a number/],
    [
      "a hello without fields",
      JSON.stringify({ type: "hello" }),
      /hello.protocol: expected a number, got nothing/,
    ],
  ])("returns an error value for %s", (_, message, reason) => {
    const frame = decodeFrame(message);
    expect(frame.type).toBe("error");
    expect(frame.type === "error" && frame.reason).toMatch(reason);
  });
});
