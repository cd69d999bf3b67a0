import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Connection, type Listener } from "../../src/stream/connection";
import { refusedWith, type End } from "../../src/protocol/ends";
import { FakeSocket } from "../support/fake-socket";

const closed = vi.fn<Listener["closed"]>();
const message = vi.fn<Listener["message"]>();
const opened = vi.fn<Listener["opened"]>();
let connection: Connection;
let address: string;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  FakeSocket.all = [];
  address = "ws://ada/ws";
  connection = new Connection(
    () => address,
    { opened, message, closed },
    { WebSocket: FakeSocket, random: () => 0.5 },
  );
  connection.start();
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  connection.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("a connection", () => {
  it("passes messages on", () => {
    FakeSocket.last.open();
    FakeSocket.last.receive("one");
    expect(opened).toHaveBeenCalledOnce();
    expect(message.mock.calls).toEqual([["one"]]);
  });

  it("tries again with growing delays, each time with a new address", async () => {
    FakeSocket.last.end(1006);
    expect(closed).toHaveBeenLastCalledWith(expect.objectContaining({ name: null }), 500);
    address = "ws://ada/ws?since=7";
    await vi.advanceTimersByTimeAsync(499);
    expect(FakeSocket.all).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(FakeSocket.last.url).toBe("ws://ada/ws?since=7");
    FakeSocket.last.end(1006);
    expect(closed).toHaveBeenLastCalledWith(expect.anything(), 850);
    expect(closed).toHaveBeenCalledTimes(2);
  });

  it("waits as long as the server asks, if that is longer than its own delay", async () => {
    connection.stop();
    const diagnose = (end: End) => Promise.resolve({ ...end, retryAfterSeconds: 30 });
    connection = new Connection(
      () => address,
      { opened, message, closed, diagnose },
      { WebSocket: FakeSocket, random: () => 0.5 },
    );
    connection.start();
    await vi.advanceTimersByTimeAsync(0);
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(0);
    expect(closed).toHaveBeenLastCalledWith(expect.anything(), 30_000);
    const tries = FakeSocket.all.length;
    await vi.advanceTimersByTimeAsync(29_990);
    expect(FakeSocket.all).toHaveLength(tries);
    await vi.advanceTimersByTimeAsync(20);
    expect(FakeSocket.all).toHaveLength(tries + 1);
  });

  it("begins again with short delays after a message", async () => {
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(501);
    FakeSocket.last.open();
    FakeSocket.last.receive("hello");
    FakeSocket.last.end(1001);
    expect(closed).toHaveBeenLastCalledWith(
      expect.objectContaining({ name: "shutting down" }),
      500,
    );
  });

  it("tries again after too slow, but not after not allowed", async () => {
    FakeSocket.last.open();
    FakeSocket.last.end(4008);
    expect(closed).toHaveBeenLastCalledWith(expect.objectContaining({ name: "too slow" }), 500);
    await vi.advanceTimersByTimeAsync(501);
    FakeSocket.last.open();
    FakeSocket.last.end(1008);
    expect(closed).toHaveBeenLastCalledWith(expect.objectContaining({ name: "not allowed" }), null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("does not wake before the server's Retry-After, but tries when the viewer asks for it", async () => {
    connection.stop();
    const diagnose = (end: End) => Promise.resolve({ ...end, retryAfterSeconds: 30 });
    connection = new Connection(
      () => address,
      { opened, message, closed, diagnose },
      { WebSocket: FakeSocket, random: () => 0.5 },
    );
    connection.start();
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(10_000);
    const tries = FakeSocket.all.length;
    connection.wake();
    expect(FakeSocket.all).toHaveLength(tries);
    connection.tryNow();
    expect(FakeSocket.all).toHaveLength(tries + 1);
    FakeSocket.last.open();
    FakeSocket.last.end(1001); // without a Retry-After
    connection.wake();
    expect(FakeSocket.all).toHaveLength(tries + 2);
  });

  it("tries at once when asked to, but only once", async () => {
    FakeSocket.last.end(1006);
    connection.tryNow();
    connection.tryNow();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.all).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("does nothing when it is open and asked to try", async () => {
    FakeSocket.last.open();
    connection.tryNow();
    await vi.advanceTimersByTimeAsync(10);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("ends a try that hangs after four seconds", async () => {
    await vi.advanceTimersByTimeAsync(4000);
    expect(closed).toHaveBeenCalledOnce();
    expect(FakeSocket.last.readyState).toBe(3);
  });

  it("ignores a try that hung once it has been ended", async () => {
    const late = FakeSocket.last;
    await vi.advanceTimersByTimeAsync(4000);
    late.open();
    late.receive("late");
    late.end(1006);
    await vi.advanceTimersByTimeAsync(501);
    expect(FakeSocket.all).toHaveLength(2);
    FakeSocket.last.open();
    late.end(1008);
    expect([opened.mock.calls.length, message.mock.calls, closed.mock.calls.length]).toEqual([
      1,
      [],
      1,
    ]);
  });

  it("does not end a connection because its try took a while", async () => {
    await vi.advanceTimersByTimeAsync(3999);
    FakeSocket.last.open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(closed).not.toHaveBeenCalled();
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("does not diagnose a try that hung, because no server refused it", async () => {
    const diagnose = vi.fn<NonNullable<Listener["diagnose"]>>((end) => Promise.resolve(end));
    const other = new Connection(
      () => address,
      { opened, message, closed, diagnose },
      { WebSocket: FakeSocket, random: () => 0.5 },
    );
    other.start();
    await vi.advanceTimersByTimeAsync(4001);
    expect(closed).toHaveBeenCalled();
    expect(diagnose).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(501);
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(0);
    expect(diagnose).toHaveBeenCalledOnce();
    other.stop();
  });

  it("replaces a silent connection", async () => {
    const silent = FakeSocket.last;
    silent.open();
    connection.replace();
    await vi.advanceTimersByTimeAsync(0);
    expect(silent.readyState).toBe(3);
    expect(FakeSocket.all).toHaveLength(2);
    expect(closed).not.toHaveBeenCalled();
  });

  it("reports nothing after stop", async () => {
    FakeSocket.last.open();
    connection.stop();
    FakeSocket.last.receive("late");
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(message).not.toHaveBeenCalled();
    expect(closed).not.toHaveBeenCalled();
    expect(FakeSocket.all).toHaveLength(1);
  });
});

describe("a connection with a diagnosis", () => {
  const diagnose = vi.fn<NonNullable<Listener["diagnose"]>>();
  const refused = refusedWith(503, "too many viewers");
  let answer: (end: End) => void;
  const signal = () => diagnose.mock.lastCall?.[1];

  beforeEach(async () => {
    connection.stop();
    FakeSocket.all = [];
    diagnose.mockImplementation(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    connection = new Connection(
      () => address,
      { opened, message, closed, diagnose },
      { WebSocket: FakeSocket, random: () => 0.5 },
    );
    connection.start();
    await vi.advanceTimersByTimeAsync(0);
  });

  const settle = () => vi.advanceTimersByTimeAsync(0);

  it("diagnoses a failed try once, and then plans the next one", async () => {
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(2000);
    expect(diagnose).toHaveBeenCalledOnce();
    expect(closed).not.toHaveBeenCalled();
    answer(refused);
    await settle();
    expect(closed.mock.calls).toEqual([[refused, 500]]);
    expect(signal()?.aborted).toBe(true); // ends the request
    await vi.advanceTimersByTimeAsync(501);
    FakeSocket.last.end(1006);
    answer(refused);
    await settle();
    expect(closed).toHaveBeenLastCalledWith(refused, 850);
    expect(diagnose).toHaveBeenCalledTimes(2);
  });

  it("does not diagnose a connection that was open, after which it tries again", async () => {
    for (const code of [1006, 1001, 4008]) {
      FakeSocket.last.open();
      FakeSocket.last.receive("hello");
      FakeSocket.last.end(code);
      await vi.advanceTimersByTimeAsync(501);
    }
    expect(diagnose).not.toHaveBeenCalled();
    expect(closed).toHaveBeenCalledTimes(3);
  });

  it("diagnoses an end that forbids another try", async () => {
    FakeSocket.last.open();
    FakeSocket.last.end(1008);
    expect(diagnose).toHaveBeenCalledWith(expect.objectContaining({ code: 1008 }), signal());
    answer({ ...refused, retry: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(closed.mock.calls).toEqual([[{ ...refused, retry: false }, null]]);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("aborts a diagnosis after four seconds", async () => {
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(3999);
    expect(signal()?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal()?.aborted).toBe(true);
  });

  it("tries at once when asked to, and ignores the diagnosis of the try before", async () => {
    FakeSocket.last.end(1006);
    const before = signal();
    connection.tryNow();
    await settle();
    expect(before?.aborted).toBe(true);
    FakeSocket.last.open();
    answer(refused);
    await settle();
    expect(FakeSocket.all).toHaveLength(2);
    expect(closed).not.toHaveBeenCalled();
  });

  it("ignores a diagnosis after stop", async () => {
    FakeSocket.last.end(1006);
    connection.stop();
    expect(signal()?.aborted).toBe(true);
    answer(refused);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(closed).not.toHaveBeenCalled();
    expect(FakeSocket.all).toHaveLength(1);
  });
});
