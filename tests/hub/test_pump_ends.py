"""How a write pump ends: by the peer, by a fault, or by whoever ends its client, whatever it is doing then."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from telemetry_stream import threads
from telemetry_stream.hub.client import QUEUE_FRAMES, Client, End
from telemetry_stream.hub.pump import write_pump
from tests.hub.pumped import WAIT_SECONDS, Sent, stuck
from tests.hub.wire import numbered


def test_end_stops_the_owed_frames() -> None:
    """A client that ends in the middle of its history is not sent the rest of it."""
    client = stuck()
    client.owe(numbered(n) for n in itertools.count())
    send = Sent(client, until=4)
    write_pump(client, send)
    assert send.data == [numbered(n) for n in range(4)]


def test_evicts_at_the_write_deadline() -> None:
    """A peer that takes no whole frame until the deadline is ended as a slow consumer, without an exception."""
    client = stuck()
    client.offer(b"<1>")
    client.offer(b"<2>")
    tried: list[bytes] = []

    def deaf(data: bytes, deadline: float) -> None:
        tried.append(data)
        threading.Event().wait(deadline - time.monotonic())
        raise TimeoutError

    write_pump(client, deaf, write_seconds=0.02)
    assert client.end is End.SLOW_CONSUMER
    assert tried == [b"<1>"]
    assert client.sent == 0


def test_gone_when_the_peer_is() -> None:
    """A connection that is reset or shut down ends the client as gone."""
    client = stuck()
    client.offer(b"<1>")

    def reset(data: bytes, deadline: float) -> None:
        raise ConnectionResetError

    write_pump(client, reset)
    assert client.end is End.GONE


def test_first_end_is_kept() -> None:
    """A pump whose write fails because the client was ended elsewhere does not change the reason."""
    client = stuck()
    client.offer(b"<1>")

    def aborted(data: bytes, deadline: float) -> None:
        client.close(End.POLICY)
        raise OSError

    write_pump(client, aborted)
    assert client.end is End.POLICY


def test_frames_that_cannot_be_made() -> None:
    """An owed iterator that raises ends the client at once, and its exception leaves the pump."""
    client = stuck()

    def owed() -> Iterator[bytes]:
        yield b"<0>"
        raise LookupError("the ring is gone")

    client.owe(owed())
    send = Sent(client, until=2)
    with pytest.raises(LookupError, match="the ring is gone"):
        write_pump(client, send)
    assert client.end is End.CRASHED
    assert send.data == [b"<0>"]


def test_unexpected_error_of_send() -> None:
    """A send that fails in a way nobody foresaw is a crash and not a peer that left."""
    client = stuck()
    client.offer(b"<1>")

    def broken(data: bytes, deadline: float) -> None:
        raise ValueError("not a socket's error")

    with pytest.raises(ValueError, match="not a socket"):
        write_pump(client, broken)
    assert client.end is End.CRASHED


def test_ended_before_it_began() -> None:
    """A pump that starts after the end writes nothing of what waits."""
    client = stuck()
    client.offer(b"<1>")
    client.close(End.GONE)
    send = Sent(client, until=1)
    write_pump(client, send)
    assert send.data == []


def test_close_wakes_a_sleeping_pump() -> None:
    """A pump that waits on an empty queue returns when another thread ends the client."""
    asleep = threading.Event()

    class Watched(Client):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            asleep.set()
            return super().take(timeout)

    client = Watched(lambda _: 0)
    send = Sent(client, until=1)
    pump = threads.start("ts-write", write_pump, client, send)
    assert asleep.wait(WAIT_SECONDS)
    client.close(End.POLICY)
    pump.join(WAIT_SECONDS)
    alive = pump.is_alive()
    client.queue.put(b"")  # so that a failure leaves no thread
    assert not alive
    assert send.data == []


def test_end_on_a_full_queue_is_noticed() -> None:
    """A client ended while its queue is full and its pump is writing: the pump finishes that frame and returns."""
    client = stuck()
    writing, readable = threading.Event(), threading.Event()
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        writing.set()
        assert readable.wait(WAIT_SECONDS)

    client.offer(b"first")
    pump = threads.start("ts-write", write_pump, client, send)
    assert writing.wait(WAIT_SECONDS)
    for n in range(QUEUE_FRAMES):
        assert client.offer(numbered(n))
    assert not client.offer(b"<16>")
    client.close(End.SILENT)
    readable.set()
    pump.join(WAIT_SECONDS)
    assert not pump.is_alive()
    assert client.end is End.SILENT
    assert sent == [b"first"]
