"""The grace period of a client: which frames it takes meanwhile, and how the period ends."""

from __future__ import annotations

from telemetry_stream.hub.client import Client, End
from tests.hub.clients import QueuedClient, fill, make_lagging
from tests.hub.transport import FakeTransport


def ignore_room(client: Client) -> None:
    """Ignore a report of room, because the test calls end_grace itself."""


def test_room_is_reported_and_ends_the_grace_period() -> None:
    """The pump reports each item that it takes, and the next attempt queues the frame behind the older ones."""
    reported: list[Client] = []
    client = QueuedClient()
    frames = make_lagging(client, reported.append)
    assert client.in_grace
    assert not client.end_grace(b"new", last=False)
    assert client.in_grace
    assert client.take(0) == frames[0]
    assert reported == [client]
    assert client.end_grace(b"new", last=False)
    assert not client.in_grace
    assert client.waiting() == [*frames[1:], b"new"]
    assert client.dropped == 0


def test_room_is_reported_only_during_the_grace_period() -> None:
    """Outside the grace period the pump takes items without a report."""
    reported: list[Client] = []
    client = QueuedClient()
    make_lagging(client, reported.append)
    client.end_grace(b"new", last=True)
    client.take(0)
    assert reported == []


def test_newer_frames_are_not_taken_during_the_grace_period() -> None:
    """A newer frame is not taken although the queue has room, because it would overtake the waiting frame."""
    client = QueuedClient()
    make_lagging(client, ignore_room)
    client.take(0)
    client.done(1)
    assert not client.offer(b"newer")
    client.end_grace(b"new", last=False)
    client.take(0)
    client.done(1)
    assert client.offer(b"newer")
    assert client.waiting()[-2:] == [b"new", b"newer"]


def test_an_empty_queue_does_not_open_the_direct_path_during_the_grace_period() -> None:
    """If the pump writes everything during the grace period, newer frames still wait for the frame of that period."""
    transport = FakeTransport(room=0)
    client = Client(transport.try_send)
    frames = make_lagging(client, ignore_room)
    transport.room = 100
    for frame in frames:
        assert client.take(0) == frame
        client.done(1)
    assert not client.offer(b"newer")
    assert client.end_grace(b"new", last=False)
    assert client.take(0) == b"new"
    assert transport.written == b""


def test_a_grace_period_that_begins_on_an_empty_queue() -> None:
    """If the pump writes everything just before the grace period begins, newer frames still wait."""
    transport = FakeTransport(room=0)
    client = Client(transport.try_send)
    frames = fill(client)
    assert not client.offer(b"new")
    transport.room = 100
    for frame in frames:
        assert client.take(0) == frame
        client.done(1)
    client.begin_grace(ignore_room)
    assert not client.offer(b"newer")
    assert transport.written == b""
    assert client.end_grace(b"new", last=False)
    assert client.take(0) == b"new"


def test_the_last_attempt_without_room_drops_the_frame() -> None:
    """The last attempt counts its frame as dropped once and ends the grace period."""
    client = QueuedClient()
    frames = make_lagging(client, ignore_room)
    assert client.end_grace(b"new", last=True)
    assert not client.in_grace
    assert client.dropped == 1
    assert client.waiting() == frames
    client.take(0)
    assert client.offer(b"newer")


def test_the_last_attempt_with_room_queues_the_frame() -> None:
    """The last attempt drops nothing if the queue has room."""
    client = QueuedClient()
    make_lagging(client, ignore_room)
    client.take(0)
    assert client.end_grace(b"new", last=True)
    assert client.dropped == 0
    assert client.waiting()[-1] == b"new"


def test_no_drop_is_counted_after_the_end() -> None:
    """If the client has ended, the last attempt counts no drop, because the client was not too slow."""
    client = QueuedClient()
    make_lagging(client, ignore_room)
    client.close(End.GONE)
    assert client.end_grace(b"new", last=True)
    assert not client.in_grace
    assert client.dropped == 0
