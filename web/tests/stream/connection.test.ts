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

describe("Connection", () => {
  it("hands on messages as they come", () => {
    FakeSocket.last.open();
    FakeSocket.last.say("one");
    expect(opened).toHaveBeenCalledOnce();
    expect(message.mock.calls).toEqual([["one"]]);
  });

  it("tries again with growing delays, and asks for the address each time", async () => {
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

  it("starts over with short delays once a message has arrived", async () => {
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(501);
    FakeSocket.last.open();
    FakeSocket.last.say("hello");
    FakeSocket.last.end(1001);
    expect(closed).toHaveBeenLastCalledWith(
      expect.objectContaining({ name: "shutting down" }),
      500,
    );
  });

  it("goes on after too slow, but not after not allowed", async () => {
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

  it("tries at once when asked to, and only once", async () => {
    FakeSocket.last.end(1006);
    connection.tryNow();
    connection.tryNow();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.all).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("leaves an open connection alone when asked to try", async () => {
    FakeSocket.last.open();
    connection.tryNow();
    await vi.advanceTimersByTimeAsync(10);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("gives up a try that hangs after four seconds", async () => {
    await vi.advanceTimersByTimeAsync(4000);
    expect(closed).toHaveBeenCalledOnce();
    expect(FakeSocket.last.readyState).toBe(3);
  });

  it("does not ask why a try hung: nobody has refused anything", async () => {
    const why = vi.fn<NonNullable<Listener["why"]>>((end) => Promise.resolve(end));
    const asking = new Connection(
      () => address,
      { opened, message, closed, why },
      { WebSocket: FakeSocket, random: () => 0.5 },
    );
    asking.start();
    await vi.advanceTimersByTimeAsync(4001);
    expect(closed).toHaveBeenCalled();
    expect(why).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(501);
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(0);
    expect(why).toHaveBeenCalledOnce();
    asking.stop();
  });

  it("drops a silent connection and makes another", async () => {
    const silent = FakeSocket.last;
    silent.open();
    connection.abandon();
    await vi.advanceTimersByTimeAsync(0);
    expect(silent.readyState).toBe(3);
    expect(FakeSocket.all).toHaveLength(2);
    expect(closed).not.toHaveBeenCalled();
  });

  it("is silent after stop", async () => {
    FakeSocket.last.open();
    connection.stop();
    FakeSocket.last.say("late");
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(message).not.toHaveBeenCalled();
    expect(closed).not.toHaveBeenCalled();
    expect(FakeSocket.all).toHaveLength(1);
  });
});

describe("a connection that can ask why", () => {
  const why = vi.fn<NonNullable<Listener["why"]>>();
  const refused = refusedWith(503, "there are 2 viewers");
  let answer: (end: End) => void;
  const signal = () => why.mock.lastCall?.[1];

  beforeEach(async () => {
    connection.stop();
    FakeSocket.all = [];
    why.mockImplementation(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    connection = new Connection(
      () => address,
      { opened, message, closed, why },
      { WebSocket: FakeSocket, random: () => 0.5 },
    );
    connection.start();
    await vi.advanceTimersByTimeAsync(0);
  });

  const settle = () => vi.advanceTimersByTimeAsync(0);

  it("does so once after a try that came to nothing, and then plans the next one", async () => {
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(2000);
    expect(why).toHaveBeenCalledOnce();
    expect(closed).not.toHaveBeenCalled();
    answer(refused);
    await settle();
    expect(closed.mock.calls).toEqual([[refused, 500]]);
    expect(signal()?.aborted).toBe(true); // hung up
    await vi.advanceTimersByTimeAsync(501);
    FakeSocket.last.end(1006);
    answer(refused);
    await settle();
    expect(closed).toHaveBeenLastCalledWith(refused, 850);
    expect(why).toHaveBeenCalledTimes(2);
  });

  it("asks nothing of a connection that was there and broke, nor after a named end", async () => {
    for (const code of [1006, 1001, 4008]) {
      FakeSocket.last.open();
      FakeSocket.last.say("hello");
      FakeSocket.last.end(code);
      await vi.advanceTimersByTimeAsync(501);
    }
    expect(why).not.toHaveBeenCalled();
    expect(closed).toHaveBeenCalledTimes(3);
  });

  it("asks when it was there and may not come again", async () => {
    FakeSocket.last.open();
    FakeSocket.last.end(1008);
    expect(why).toHaveBeenCalledWith(expect.objectContaining({ code: 1008 }), signal());
    answer({ ...refused, retry: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(closed.mock.calls).toEqual([[{ ...refused, retry: false }, null]]);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("calls an answer off that does not come in four seconds", async () => {
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(3999);
    expect(signal()?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal()?.aborted).toBe(true);
  });

  it("tries at once when asked to, and then takes no answer to the try before", async () => {
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

  it("takes no answer after stop", async () => {
    FakeSocket.last.end(1006);
    connection.stop();
    expect(signal()?.aborted).toBe(true);
    answer(refused);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(closed).not.toHaveBeenCalled();
    expect(FakeSocket.all).toHaveLength(1);
  });
});
