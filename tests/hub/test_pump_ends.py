"""The end of a write pump: by the peer, by an error, or because another thread ends the client."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from telemetry_stream import threads
from telemetry_stream.hub.client import End
from telemetry_stream.hub.pump import write_pump
from tests.hub.clients import WAIT_SECONDS, QueuedClient, fill
from tests.hub.transport import RecordingSend, numbered


def test_an_end_stops_the_frames_queued_first() -> None:
    """A client that ends during its history does not get the rest of it."""
    client = QueuedClient()
    client.queue_first(numbered(n) for n in itertools.count())
    send = RecordingSend(client, until=4)
    write_pump(client, send)
    assert send.data == [numbered(n) for n in range(4)]


def test_a_slow_consumer_is_evicted_at_the_write_deadline() -> None:
    """A peer that takes no complete frame until the deadline ends as a slow consumer, and the pump does not raise."""
    client = QueuedClient()
    client.offer(b"<1>")
    client.offer(b"<2>")
    attempts: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        attempts.append(data)
        threading.Event().wait(deadline - time.monotonic())
        raise TimeoutError

    write_pump(client, send, write_seconds=0.02)
    assert client.end is End.SLOW_CONSUMER
    assert attempts == [b"<1>"]
    assert client.sent == 0


def test_a_dead_peer_ends_the_client() -> None:
    """A connection that is reset ends the client as gone."""
    client = QueuedClient()
    client.offer(b"<1>")

    def send(data: bytes, deadline: float) -> None:
        raise ConnectionResetError

    write_pump(client, send)
    assert client.end is End.GONE


@pytest.mark.parametrize("error", [OSError, TimeoutError])
def test_the_first_end_is_kept(error: type[OSError]) -> None:
    """If a write fails because another thread ended the client, the reason stays the same."""
    client = QueuedClient()
    client.offer(b"<1>")

    def send(data: bytes, deadline: float) -> None:
        client.close(End.POLICY)
        raise error

    write_pump(client, send)
    assert client.end is End.POLICY


def test_an_error_in_the_iterator_ends_the_client() -> None:
    """If the iterator of queue_first raises, the client ends at once and the pump raises the exception."""
    client = QueuedClient()

    def first() -> Iterator[bytes]:
        yield b"<0>"
        raise LookupError("broken")

    client.queue_first(first())
    send = RecordingSend(client, until=2)
    with pytest.raises(LookupError, match="broken"):
        write_pump(client, send)
    assert client.end is End.CRASHED
    assert send.data == [b"<0>"]


def test_an_unexpected_error_in_send_is_a_crash() -> None:
    """An exception that is not an OSError ends the client as crashed, and the pump raises it."""
    client = QueuedClient()
    client.offer(b"<1>")

    def send(data: bytes, deadline: float) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        write_pump(client, send)
    assert client.end is End.CRASHED


def test_a_client_that_ended_before_gets_nothing() -> None:
    """A pump that starts after the end writes no waiting frame."""
    client = QueuedClient()
    client.offer(b"<1>")
    client.close(End.GONE)
    send = RecordingSend(client, until=1)
    write_pump(client, send)
    assert send.data == []


def test_a_client_that_ends_while_the_pump_takes_a_frame() -> None:
    """If the client ends after the pump took a frame and before the write, the frame is not written."""

    class EndingClient(QueuedClient):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            item = super().take(timeout)
            self.close(End.POLICY)
            return item

    client = EndingClient()
    client.offer(b"<1>")
    send = RecordingSend(client, until=1)
    write_pump(client, send)
    assert send.data == []
    assert client.sent == 0


def test_close_wakes_a_pump_that_sleeps() -> None:
    """A pump that waits on an empty queue returns when another thread ends the client."""
    sleeping = threading.Event()

    class WatchedClient(QueuedClient):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            sleeping.set()
            return super().take(timeout)

    client = WatchedClient()
    send = RecordingSend(client, until=1)
    pump = threads.start("ts-test-write", write_pump, client, send)
    assert sleeping.wait(WAIT_SECONDS)
    client.close(End.POLICY)
    pump.join(WAIT_SECONDS)
    alive = pump.is_alive()
    client.queue.put(b"")  # stops the thread if the test fails
    assert not alive
    assert send.data == []


def test_a_client_with_a_full_queue_ends_after_the_current_write() -> None:
    """If a client ends while its queue is full, the pump completes the current write and returns."""
    client = QueuedClient()
    writing, readable = threading.Event(), threading.Event()
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        writing.set()
        assert readable.wait(WAIT_SECONDS)

    client.offer(b"first")
    pump = threads.start("ts-test-write", write_pump, client, send)
    assert writing.wait(WAIT_SECONDS)
    fill(client)
    client.close(End.SILENT)
    readable.set()
    pump.join(WAIT_SECONDS)
    assert not pump.is_alive()
    assert client.end is End.SILENT
    assert sent == [b"first"]
