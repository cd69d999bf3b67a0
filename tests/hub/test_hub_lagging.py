"""Lagging clients of a hub: other clients lose nothing, and a client that reads again continues in order."""

from __future__ import annotations

import threading

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client, Hub, write_pump
from telemetry_stream.hub.frame_queue import QUEUE_FRAMES
from tests.hub.clients import (
    WAIT_SECONDS,
    QueuedClient,
    ReadingClient,
    register_lagging,
    wait_for_fan_out,
)
from tests.hub.transport import numbered


@pytest.mark.usefixtures("endless_grace")
def test_a_hundred_stuck_clients_do_not_delay_another_client(hub: Hub) -> None:
    """A client gets its frames while a hundred clients before it are still in their grace period."""
    stuck = [QueuedClient() for _ in range(100)]
    register_lagging(hub, stuck)
    reading = ReadingClient()
    hub.register(reading)
    frames = [numbered(n) for n in range(100, 110)]
    for frame in frames:
        hub.broadcast(frame)
    wait_for_fan_out(hub)
    assert reading.frames == frames
    assert all(client.in_grace for client in stuck)


@pytest.mark.usefixtures("endless_grace")
def test_a_hundred_clients_begin_to_lag_in_one_fan_out(hub: Hub) -> None:
    """The frame for which a hundred clients have no room reaches the client after them in the same fan-out."""
    stuck = [QueuedClient() for _ in range(100)]
    for client in stuck:
        hub.register(client)
    reading = ReadingClient()
    hub.register(reading)
    frames = [numbered(n) for n in range(QUEUE_FRAMES + 1)]
    for frame in frames:
        hub.broadcast(frame)
    wait_for_fan_out(hub)
    assert reading.frames == frames
    assert all(client.in_grace and not client.dropped for client in stuck)


@pytest.mark.usefixtures("endless_grace")
def test_newer_frames_are_dropped_during_a_grace_period(hub: Hub) -> None:
    """While one frame waits for room, newer frames for that client are dropped at once."""
    client = QueuedClient()
    register_lagging(hub, [client])
    for n in range(4):
        hub.broadcast(numbered(n))
    wait_for_fan_out(hub)
    assert client.dropped == 4
    assert client.in_grace


@pytest.mark.usefixtures("endless_grace")
def test_a_client_that_reads_again_gets_its_frames_in_order(hub: Hub) -> None:
    """The client gets the queued frames, the frame of its grace period, and new ones, but not the dropped ones."""
    client, others = QueuedClient(), [QueuedClient() for _ in range(99)]
    register_lagging(hub, [client, *others])
    for n in range(17, 30):
        hub.broadcast(numbered(n))
    wait_for_fan_out(hub)
    received = [client.take(0)]
    client.done(1)
    assert client.grace_ended.wait(WAIT_SECONDS)
    received.append(client.take(0))
    client.done(1)
    hub.broadcast(numbered(30))
    wait_for_fan_out(hub)
    while not client.queue.empty():
        received.append(client.take(0))
        client.done(1)
    assert received == [numbered(n) for n in (*range(17), 30)]
    assert (client.sent, client.dropped) == (18, 13)
    assert all(other.in_grace for other in others)


def test_a_stuck_client_loses_only_its_own_frames(hub: Hub) -> None:
    """Of 1000 frames, 99 clients get all in order. The stuck client between them keeps 16 and drops 984."""
    reading, stuck = [ReadingClient() for _ in range(99)], QueuedClient()
    for client in (*reading[:50], stuck, *reading[50:]):
        hub.register(client)
    frames = [numbered(n) for n in range(1000)]
    assert all(hub.broadcast(frame) for frame in frames)
    for client in reading:
        client.wait_for(frames[-1])
        assert client.frames == frames
    stuck.wait_for_drops(984)
    assert stuck.waiting() == frames[:QUEUE_FRAMES]
    assert hub.stats().dropped == 984


def test_a_slow_client_with_a_real_pump(hub: Hub) -> None:
    """A client that stalls and then reads gets frames in order and none twice. All other frames count as dropped."""
    received: list[bytes] = []
    readable = threading.Event()

    def send(data: bytes, deadline: float) -> None:
        assert readable.wait(WAIT_SECONDS)
        if data:
            received.append(data)

    client = Client(lambda _: 0)
    pump = threads.start("ts-test-write", write_pump, client, send)
    hub.register(client)
    frames = [numbered(n) for n in range(200)]
    for frame in frames[:100]:
        hub.broadcast(frame)
    wait_for_fan_out(hub)
    readable.set()
    for frame in frames[100:]:
        hub.broadcast(frame)
    wait_for_fan_out(hub)
    # This ends the grace period and then the client. The pump still writes the queued frames.
    hub.close(timeout=WAIT_SECONDS)
    pump.join(WAIT_SECONDS)
    assert received[:QUEUE_FRAMES] == frames[:QUEUE_FRAMES]
    assert received == sorted(set(received), key=frames.index)
    assert len(received) + client.dropped == len(frames)
    assert client.dropped >= 100 - 2 * QUEUE_FRAMES
