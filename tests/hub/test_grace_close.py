"""The start and the end of ts-grace: the thread exists only between them, and no waiting frame is forgotten."""

from __future__ import annotations

import threading

import pytest

from telemetry_stream.hub import Many
from telemetry_stream.hub.grace import Grace
from tests.hub.clients import WAIT_SECONDS, QueuedClient, hub_threads, make_lagging

pytestmark = pytest.mark.usefixtures("endless_grace")


def test_the_constructor_starts_no_thread() -> None:
    """The thread runs from start to close."""
    grace = Grace()
    assert hub_threads() == set()
    grace.start()
    assert hub_threads() == {"ts-grace"}
    grace.close(WAIT_SECONDS)
    assert hub_threads() == set()


def test_close_works_before_start() -> None:
    """Close has nothing to stop before start, and does not fail."""
    grace = Grace()
    grace.close(WAIT_SECONDS)
    grace.close(WAIT_SECONDS)
    assert hub_threads() == set()


def test_close_drops_the_frame_of_a_client_without_room() -> None:
    """Close does not wait for the deadline: it ends the grace period, drops the frame and stops the thread."""
    grace, clients = Grace(), [QueuedClient(), QueuedClient()]
    grace.start()
    frames = [make_lagging(client, grace.room_made) for client in clients]
    grace.wait_for_room(b"new", [*clients])
    grace.close(WAIT_SECONDS)
    grace.close(WAIT_SECONDS)
    assert hub_threads() == set()
    assert not any(client.in_grace for client in clients)
    assert [client.dropped for client in clients] == [1, 1]
    assert [client.waiting() for client in clients] == frames


def test_close_delivers_the_frame_of_a_client_with_room() -> None:
    """If room was made but the report of it comes too late, the last attempt at close queues the frame."""
    blocked, released = threading.Event(), threading.Event()

    class BlockingClient(QueuedClient):
        def end_grace(self, frame: bytes | Many, *, last: bool) -> bool:
            blocked.set()
            assert released.wait(WAIT_SECONDS)
            return super().end_grace(frame, last=last)

    grace = Grace()
    grace.start()
    client, blocking = QueuedClient(), BlockingClient()
    frames = make_lagging(client, grace.room_made)
    make_lagging(blocking, grace.room_made)
    grace.wait_for_room(b"new", [client, blocking])
    assert blocked.wait(WAIT_SECONDS)
    grace.close(0.0)
    # ts-grace stops before it reads this report of room.
    assert client.take(0) == frames[0]
    released.set()
    grace.close(WAIT_SECONDS)
    assert client.waiting() == [*frames[1:], b"new"]
    assert client.dropped == 0
