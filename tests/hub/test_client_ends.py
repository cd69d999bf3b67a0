"""A client that ends: the reason that is kept, how the write pump is woken, and what a later frame does."""

from __future__ import annotations

import threading

import pytest

from telemetry_stream import threads
from telemetry_stream.hub.client import Client, End
from telemetry_stream.hub.frame_queue import FLUSH
from tests.hub.clients import WAIT_SECONDS, QueuedClient, fill
from tests.hub.transport import FakeTransport


@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        (End.GONE, None, "gone"),
        (End.SILENT, None, "silent"),
        (End.GOING_AWAY, 1001, "going away"),
        (End.POLICY, 1008, "policy"),
        (End.TOO_BIG, 1009, "too big"),
        (End.CRASHED, 1011, "internal error"),
        (End.SLOW_CONSUMER, 4008, "too slow"),
    ],
)
def test_each_end_has_its_close_code_and_reason(end: End, code: int | None, reason: str) -> None:
    """The codes and reasons are those of the protocol."""
    assert (end.code, end.reason) == (code, reason)


def test_no_two_ends_are_equal() -> None:
    """Two ends with the same code and reason would be one member of the enumeration."""
    assert len(End) == 7


def test_a_dead_peer_ends_the_client() -> None:
    """An OSError of the direct path ends the client as gone. It is not raised, and the frame is not a drop."""

    def reset(frame: bytes) -> int:
        raise ConnectionResetError

    client = Client(reset)
    assert client.offer(b"<1>")
    assert client.end is End.GONE
    assert (client.sent, client.dropped) == (0, 0)


def test_an_ended_client_discards_frames() -> None:
    """A frame offered after the end is neither sent nor queued nor counted, and the client is not lagging."""
    transport = FakeTransport(room=100)
    client = Client(transport.try_send)
    client.close(End.POLICY)
    before = list(client.queue.queue)
    assert client.offer(b"<1>")
    assert transport.written == b""
    assert list(client.queue.queue) == before
    assert (client.sent, client.dropped) == (0, 0)


def test_the_first_end_is_kept() -> None:
    """If many threads end a client at once, close returns True to one of them, whose reason is kept."""
    client = QueuedClient()
    ends = [*End, *End]
    start = threading.Barrier(len(ends))
    kept: list[End] = []

    def close(end: End) -> None:
        start.wait(WAIT_SECONDS)
        if client.close(end):
            kept.append(end)

    closing = [threads.start("ts-test", close, end) for end in ends]
    for thread in closing:
        thread.join(WAIT_SECONDS)
    assert kept == [client.end]
    assert not client.close(End.GONE)
    assert kept == [client.end]


def test_close_wakes_a_pump_that_sleeps() -> None:
    """Close puts an item into an empty queue, because the pump sleeps only there."""
    client = QueuedClient()
    assert client.close(End.GOING_AWAY)
    assert client.take(0) == FLUSH


def test_close_works_on_a_full_queue() -> None:
    """Close neither waits nor fails on a full queue, and leaves the queued frames unchanged."""
    client = QueuedClient()
    frames = fill(client)
    assert client.close(End.SILENT)
    assert client.end is End.SILENT
    assert client.waiting() == frames


def test_the_last_write_does_not_open_an_ended_client() -> None:
    """A write that is completed after the end does not open the direct path again."""
    transport = FakeTransport(room=0)
    client = Client(transport.try_send)
    frames = fill(client)
    # The queue is full, so close adds no item that would keep the direct path closed.
    client.close(End.GONE)
    transport.room = 100
    for frame in frames:
        assert client.take(0) == frame
        client.done(1)
    assert client.offer(b"<16>")
    assert transport.written == b""


def test_an_end_during_a_partial_send() -> None:
    """If another thread ends the client during a direct send, the send counts and the client stays ended."""
    transport = FakeTransport(room=2)

    def try_send(frame: bytes) -> int:
        client.close(End.POLICY)
        return transport.try_send(frame)

    client = Client(try_send)
    assert client.offer(b"<1>")
    transport.room = 100
    assert client.offer(b"<2>")
    assert client.end is End.POLICY
    assert transport.written == b"<1"
    assert client.sent == 1
