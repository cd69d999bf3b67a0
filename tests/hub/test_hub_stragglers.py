"""Clients that fall behind a hub: what the others still get, and what is left for them when they read again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from telemetry_stream import threads
from telemetry_stream.hub import Client, Hub, write_pump
from telemetry_stream.hub.client import QUEUE_FRAMES
from tests.hub.clients import WAIT_SECONDS, Reader, Stuck, fan_out_all, stick
from tests.hub.wire import numbered


def test_hundred_stuck_cost_a_healthy_client_nothing(hub: Hub) -> None:
    """With a hundred stuck before it, a healthy client gets the next frames before any of their graces is over."""
    stuck = [Stuck() for _ in range(100)]
    stick(hub, stuck)
    healthy = Reader()
    hub.register(healthy)
    frames = [numbered(n) for n in range(100, 110)]
    for frame in frames:
        hub.broadcast(frame)
    fan_out_all(hub)
    assert healthy.frames == frames
    assert all(client.in_grace for client in stuck)


def test_all_fall_behind_in_one_fan_out(hub: Hub) -> None:
    """The frame that makes a hundred clients stragglers reaches the last client in that same fan-out."""
    stuck = [Stuck() for _ in range(100)]
    for client in stuck:
        hub.register(client)
    healthy = Reader()
    hub.register(healthy)
    frames = [numbered(n) for n in range(QUEUE_FRAMES + 1)]
    for frame in frames:
        hub.broadcast(frame)
    healthy.wait_for(frames[-1])
    fan_out_all(hub)
    assert healthy.frames == frames
    assert all(client.in_grace and not client.dropped for client in stuck)


def test_newer_frames_are_dropped_during_a_grace(hub: Hub) -> None:
    """While one frame of a client waits in its grace, newer ones are dropped at once, and that one goes on waiting."""
    client = Stuck()
    stick(hub, [client])
    for n in range(4):
        hub.broadcast(numbered(n))
    client.wait_for_drops(4)
    assert client.in_grace


def test_recovered_client_sees_order_and_one_hole(hub: Hub) -> None:
    """A client that reads again gets what waited, the frame of its grace, and the newest; the hole is its drops."""
    client, others = Stuck(), [Stuck() for _ in range(99)]
    stick(hub, [client, *others])
    for n in range(17, 30):
        hub.broadcast(numbered(n))
    client.wait_for_drops(13)
    got = [client.take(0)]
    client.done(1)
    assert client.left_grace.wait(WAIT_SECONDS)
    got.append(client.take(0))
    client.done(1)
    hub.broadcast(numbered(30))
    fan_out_all(hub)
    while not client.queue.empty():
        got.append(client.take(0))
        client.done(1)
    assert got == [numbered(n) for n in (*range(17), 30)]
    assert (client.sent, client.dropped) == (18, 13)
    assert all(other.in_grace for other in others)


def test_handoff_with_one_of_hundred_stalled(make_hub: Callable[..., Hub]) -> None:
    """All of 1000 broadcasts are accepted; 99 clients get all in order, the stalled one 16, and 984 are its drops."""
    hub = make_hub(0.01)
    readers, stalled = [Reader() for _ in range(99)], Stuck()
    for client in (*readers[:50], stalled, *readers[50:]):
        hub.register(client)
    frames = [numbered(n) for n in range(1000)]
    accepted = [hub.broadcast(frame) for frame in frames]
    assert accepted.count(True) == 1000
    for reader in readers:
        reader.wait_for(frames[-1])
        assert reader.frames == frames
    stalled.wait_for_drops(984)
    assert list(stalled.queue.queue) == frames[:QUEUE_FRAMES]
    assert hub.stats().dropped == 984


def test_slow_client_with_its_pump(make_hub: Callable[..., Hub]) -> None:
    """A client that stalls and then reads, through its real pump: in order, no doubles, and the rest are its drops."""
    hub = make_hub(0.01)
    got: list[bytes] = []
    readable = threading.Event()

    def send(data: bytes, deadline: float) -> None:
        assert readable.wait(WAIT_SECONDS)
        got.append(data)

    client = Client(lambda _: 0)
    pump = threads.start("ts-test-write", write_pump, client, send)
    hub.register(client)
    healthy = Reader()
    hub.register(healthy)
    frames = [numbered(n) for n in range(200)]
    for frame in frames[:100]:
        hub.broadcast(frame)
    healthy.wait_for(frames[99])
    readable.set()
    for frame in frames[100:]:
        hub.broadcast(frame)
    fan_out_all(hub)
    client.queue.join()  # all that waited has been written
    hub.close(timeout=WAIT_SECONDS)  # no grace after this
    pump.join(WAIT_SECONDS)
    got = [frame for frame in got if frame]
    assert healthy.frames == frames
    assert got[:QUEUE_FRAMES] == frames[:QUEUE_FRAMES]
    assert got == sorted(set(got), key=frames.index)
    assert client.dropped >= 100 - 2 * QUEUE_FRAMES
