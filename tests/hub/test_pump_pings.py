"""The pings of a write pump: once in each period, whatever else it writes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from telemetry_stream.hub.client import End
from telemetry_stream.hub.pump import write_pump
from tests.hub.clients import WAIT_SECONDS, QueuedClient
from tests.hub.transport import RecordingSend


def test_an_idle_client_gets_a_ping_in_each_period() -> None:
    """With nothing to write, the pump sends a ping when each period is over, and not earlier."""
    client = QueuedClient()
    send = RecordingSend(client, until=3)
    start = time.monotonic()
    write_pump(client, send, ping=b".", ping_seconds=0.01)
    assert time.monotonic() - start >= 0.03
    assert send.data == [b"."] * 3


def test_a_ping_that_is_not_taken_evicts() -> None:
    """A ping that cannot be written until its deadline evicts the client, as a frame does."""
    client = QueuedClient()

    def send(data: bytes, deadline: float) -> None:
        raise TimeoutError

    write_pump(client, send, ping=b".", ping_seconds=0.001)
    assert client.end is End.SLOW_CONSUMER


def test_a_queue_that_is_never_empty_does_not_delay_pings() -> None:
    """The pump sends a ping when it is due, although a frame waits all the time."""
    client = QueuedClient()
    client.offer(b"<1>")
    last = b""
    give_up_at = time.monotonic() + WAIT_SECONDS

    def send(data: bytes, deadline: float) -> None:
        nonlocal last
        last = data
        if data == b"." or time.monotonic() > give_up_at:
            client.close(End.POLICY)
        else:
            client.offer(b"<1>")

    write_pump(client, send, ping=b".", ping_seconds=0.005)
    assert last == b"."
    assert client.sent


def test_a_long_history_does_not_delay_pings() -> None:
    """The pump sends due pings between the frames of queue_first."""
    client = QueuedClient()
    give_up_at = time.monotonic() + WAIT_SECONDS
    sent: list[bytes] = []

    def history() -> Iterator[bytes]:
        while b"." not in sent and time.monotonic() < give_up_at:
            yield b"sample"
        yield b"end"
        client.close(End.POLICY)

    client.queue_first(history())
    write_pump(client, lambda data, _: sent.append(data), ping=b".", ping_seconds=0.005)
    assert sent.index(b".") < sent.index(b"end")


def test_the_first_frame_comes_before_a_ping() -> None:
    """No ping comes before the first frame of queue_first, which a viewer reads as the beginning of the stream."""
    client = QueuedClient()
    client.queue_first(iter([b"hello", b"history"]))
    send = RecordingSend(client, until=3)
    write_pump(client, send, ping=b".", ping_seconds=0)
    assert send.data == [b"hello", b".", b"history"]


def test_an_ended_client_gets_no_ping() -> None:
    """A ping that is due when the client ends is not sent."""
    client = QueuedClient()
    client.offer(b"<1>")
    send = RecordingSend(client, until=1)
    write_pump(client, send, ping=b".", ping_seconds=0)
    assert send.data == [b"<1>"]


def test_no_ping_without_a_period() -> None:
    """Without a period the pump sends no ping and sleeps for an hour at a time, because a lock cannot wait longer."""
    timeouts: list[float] = []

    class SleepingClient(QueuedClient):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            timeouts.append(timeout)
            if len(timeouts) == 3:
                self.close(End.POLICY)
            return super().take(0.0)

    client = SleepingClient()
    send = RecordingSend(client, until=1)
    write_pump(client, send)
    assert timeouts == [0.0, 3600.0, 3600.0]
    assert send.data == []
