import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Connection, type Listener } from "../../src/stream/connection";
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
