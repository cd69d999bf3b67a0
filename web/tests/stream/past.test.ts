import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { Sample } from "../../src/protocol/frames";
import { Past, type Missing } from "../../src/stream/past";
import { answer, noAnswer, silence } from "../support/fake-browser";
import { goldenObject } from "../support/frames";

interface Hole extends Missing {
  readonly after: { seq: number };
}

let holes: Hole[];
let added: number[];
let every: number;
let failures: ({ reason: string; delayMs: number } | null)[];
/** Each request, as its query. */
let requests: Record<string, string>[];
const idle = vi.fn();
const heard = vi.fn();
const checkLogin = vi.fn();
const fetch = vi.fn<(address: string, options: RequestInit) => Promise<Response>>();

const add = (hole: Hole, { seq }: Sample): boolean => {
  added.push(seq);
  hole.after.seq = seq;
  return true;
};
let past: Past<Hole>;

beforeEach(() => {
  vi.useFakeTimers();
  [holes, added, every, failures, requests] = [[], [], 1, [], []];
  for (const mock of [idle, heard, checkLogin, fetch]) mock.mockReset();
  fetch.mockImplementation((address) => Promise.resolve(answer(200, server(address))));
  past = new Past<Hole>(
    "http://ada/prefix/?kiosk=1",
    {
      next: () => holes[0] ?? null,
      seconds: () => 600,
      add: (hole, sample) => add(hole, sample),
      added: (hole, done) => {
        if (done) holes = holes.filter((one) => one !== hole);
      },
      loading: (failure) => failures.push(failure),
      idle,
      heard,
    },
    {
      ...{ host: null, fetch, checkLogin },
      every: () => every,
      tickSeconds: () => every,
      random: () => 0.5,
    },
  );
});
afterEach(() => {
  past.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const settle = (ms = 1) => vi.advanceTimersByTimeAsync(ms);
const hole = (before: number, since = 0): Hole => ({
  stream: "run",
  since,
  after: { seq: before },
});
const text = (seqs: readonly number[]) => {
  const { sources: _, ...sample } = goldenObject("sample");
  return JSON.stringify({ type: "history", samples: seqs.map((seq) => ({ ...sample, seq })) });
};
/** As the real server, which takes a sample per second, from 1 on. */
const samplesBefore = (address: string): number[] => {
  const query = Object.fromEntries(new URL(address).searchParams);
  requests.push(query);
  const [before, since] = [Number(query["before"]), Number(query["since"] ?? 0)];
  const first = Math.max(1, since + 1, before - Number(query["seconds"]));
  return Array.from({ length: Math.max(0, before - first) }, (_, n) => first + n);
};
const server = (address: string): string => text(samplesBefore(address));
const countdown = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, n) => from - n);

it("loads the last minute first, and then older samples in longer parts, each once", async () => {
  holes = [hole(500)];
  past.start();
  past.start();
  await settle(100);
  expect(fetch.mock.calls[0]?.[0]).toBe(
    "http://ada/prefix/api/v1/history?brief=1&stream=run&before=500&seconds=60",
  );
  expect(requests.slice(0, 2).map(({ before }) => before)).toEqual(["500", "440"]);
  expect(Number(requests[1]?.["seconds"])).toBeGreaterThan(60);
  expect(added).toEqual(countdown(499, 1));
  expect([idle.mock.calls.length, failures]).toEqual([1, [null]]);
  expect(heard).toHaveBeenCalled();
});

it("asks for exactly the samples of an interruption, and for every n-th", async () => {
  every = 5;
  holes = [hole(50, 40)];
  past.start();
  await settle();
  expect(requests[0]).toMatchObject({ since: "40", before: "50", every: "5" });
  expect(added).toEqual(countdown(49, 41));
  expect(requests).toHaveLength(1);
});

it("asks for parts with some samples in them, although the line is slow and few are asked for", async () => {
  every = 64;
  fetch.mockImplementation(async (address) => {
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    const all = samplesBefore(address).filter((seq) => seq % every === 0);
    return answer(200, text(all));
  });
  holes = [hole(640)];
  past.start();
  await settle(1_000_000);
  expect(added).toEqual([576, 512, 448, 384, 320, 256, 192, 128, 64]);
});

it("asks for shorter parts when the line is slow", async () => {
  fetch.mockImplementation(async (address) => {
    await new Promise((resolve) => setTimeout(resolve, 4000));
    return answer(200, server(address));
  });
  holes = [hole(500)];
  past.start();
  await settle(8100);
  expect(requests.map(({ seconds }) => Number(seconds))).toEqual([60, 30]);
  await settle(40_000);
  expect(requests.at(-1)?.["seconds"]).toBe("10");
  past.stop();
  await settle(4000);
});

it("tries again after a failure, with a growing delay, and continues where it was", async () => {
  holes = [hole(200)];
  past.start();
  await settle();
  added = [];
  holes = [hole(140)];
  fetch.mockImplementation(noAnswer);
  past.start();
  await settle(1300);
  expect(failures.filter(Boolean)).toEqual([
    { reason: "the server is not reachable", delayMs: 500 },
    { reason: "the server is not reachable", delayMs: 850 },
  ]);
  fetch.mockImplementation((address) => Promise.resolve(answer(200, server(address))));
  await settle(3000);
  expect(added).toEqual(countdown(139, 1));
});

it.each([
  [
    "the server's error and Retry-After",
    () => answer(503, '{"error":"busy"}', { "Retry-After": "7" }),
    "busy",
    7000,
  ],
  ["a proxy whose session has ended", () => answer(303), "a proxy requires a login", 500],
  ["the status of a proxy", () => answer(502, "<html>"), "HTTP 502", 500],
  ["an answer that is no history", () => answer(200, "<html>"), "the answer is not a history", 500],
] as const)("reports %s", async (_, respond, reason, delayMs) => {
  holes = [hole(10)];
  fetch.mockImplementation(() => Promise.resolve(respond()));
  past.start();
  await settle();
  expect(failures).toEqual([null, { reason, delayMs }]);
});

it("tries again when the server is gone in the middle of an answer", async () => {
  holes = [hole(10)];
  fetch.mockImplementationOnce(() => {
    const body = new ReadableStream({
      start: (stream) => {
        stream.enqueue(new TextEncoder().encode('{"type":"history","samples":['));
        stream.error(new TypeError("network error"));
      },
    });
    return Promise.resolve(new Response(body));
  });
  past.start();
  await settle();
  expect(added).toEqual([]);
  await settle(1000);
  expect(added).toEqual(countdown(9, 1));
});

it("gives up a request that is silent for 20 s, but not a slow one", async () => {
  holes = [hole(10)];
  const parts = [0, 1, 2].map((n) =>
    text([7, 8, 9]).slice(n * 1000, n === 2 ? undefined : n * 1000 + 1000),
  );
  fetch.mockImplementationOnce(silence);
  fetch.mockImplementationOnce((_, { signal }) => {
    const pull = async (stream: ReadableStreamDefaultController): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      const part = parts.shift();
      if (signal?.aborted === true) stream.error(new DOMException("aborted", "AbortError"));
      else if (part === undefined) stream.close();
      else stream.enqueue(new TextEncoder().encode(part));
    };
    return Promise.resolve(new Response(new ReadableStream({ pull }, { highWaterMark: 0 })));
  });
  past.start();
  await settle(19_000);
  expect(failures).toEqual([null]);
  await settle(1100);
  expect(failures).toEqual([null, { reason: "the server is not reachable", delayMs: 500 }]);
  await settle(61_000);
  expect(added.slice(0, 3)).toEqual([9, 8, 7]);
  expect(failures).toHaveLength(3);
});

it.each([401, 303])(
  "has the login checked when the answer requires one (%s), and goes on",
  async (status) => {
    holes = [hole(10)];
    fetch.mockImplementationOnce(() => Promise.resolve(answer(status)));
    past.start();
    await settle();
    expect([checkLogin.mock.calls.length, added]).toEqual([1, []]);
    await settle(60_000);
    expect([checkLogin.mock.calls.length, added]).toEqual([1, countdown(9, 1)]);
    expect(idle).toHaveBeenCalledOnce(); // the page does not show any more that it is loading
  },
);

it("has no login checked after another failure", async () => {
  holes = [hole(10)];
  fetch.mockImplementationOnce(() => Promise.resolve(answer(503)));
  past.start();
  await settle(60_000);
  expect([checkLogin.mock.calls.length, added]).toEqual([0, countdown(9, 1)]);
});

it("adds nothing after it was stopped, and aborts its request", async () => {
  let respond: (value: Response) => void = () => undefined;
  fetch.mockImplementation(() => new Promise((resolve) => (respond = resolve)));
  holes = [hole(10)];
  past.start();
  await settle();
  past.stop();
  expect(fetch.mock.calls[0]?.[1].signal?.aborted).toBe(true);
  respond(answer(200, text([8, 9])));
  await settle();
  expect([added, idle.mock.calls.length]).toEqual([[], 1]); // the page does not show that it is loading
});

it("is done when the server has no more, and when nothing can be read", async () => {
  holes = [hole(10)];
  fetch.mockImplementation(() => Promise.resolve(answer(200, text([]))));
  past.start();
  await settle();
  expect([added, holes, idle.mock.calls.length]).toEqual([[], [], 1]);

  holes = [hole(10)];
  fetch.mockImplementation(() => Promise.resolve(answer(200, '{"samples":[{},{"seq":"x"}]}')));
  past.start();
  await settle();
  expect([added, holes, idle.mock.calls.length]).toEqual([[], [], 2]);
});

it("leaves out a sample that it cannot read, and does not ask for it again", async () => {
  const { sources: _, ...sample } = goldenObject("sample");
  const samples = [
    { ...sample, seq: 7 },
    { ...sample, seq: "x" },
    { ...sample, seq: 9 },
  ];
  fetch.mockImplementationOnce(() => Promise.resolve(answer(200, JSON.stringify({ samples }))));
  holes = [hole(10)];
  past.start();
  await settle(100);
  expect(added.slice(0, 2)).toEqual([9, 7]);
  expect(added).not.toContain(8);
});

it("gives the browser time between slices of a long part", async () => {
  const clock = vi.spyOn(performance, "now");
  let now = 0;
  clock.mockImplementation(() => (now += 4));
  holes = [hole(61)];
  past.start();
  await vi.advanceTimersByTimeAsync(0);
  const first = added.length;
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(10);
  await settle(500);
  expect(added).toEqual(countdown(60, 1));
});
