"""When a write pump pings: in each period, whatever else it has to write, and never unless asked."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from telemetry_stream.hub.client import Client, End
from telemetry_stream.hub.pump import write_pump
from tests.hub.pumped import WAIT_SECONDS, Sent, stuck


def test_deaf_to_pings_too() -> None:
    """A ping that cannot be written by the deadline evicts, as a frame does."""
    client = stuck()

    def deaf(data: bytes, deadline: float) -> None:
        raise TimeoutError

    write_pump(client, deaf, ping=b".", ping_seconds=0.001)
    assert client.end is End.SLOW_CONSUMER


def test_pings_an_idle_client() -> None:
    """With nothing to write the pump pings in each period, and no sooner."""
    client = stuck()
    send = Sent(client, until=3)
    start = time.monotonic()
    write_pump(client, send, ping=b".", ping_seconds=0.01)
    assert time.monotonic() - start >= 0.03
    assert send.data == [b"."] * 3


def test_pings_a_busy_client() -> None:
    """A queue that never runs dry does not keep the pings from their time."""
    client = stuck()
    client.offer(b"<1>")
    last = b""
    give_up = time.monotonic() + WAIT_SECONDS

    def send(data: bytes, deadline: float) -> None:
        nonlocal last
        last = data
        if data == b"." or time.monotonic() > give_up:
            client.close(End.POLICY)
        else:
            client.offer(b"<1>")

    write_pump(client, send, ping=b".", ping_seconds=0.005)
    assert last == b"."
    assert client.sent


def test_pings_between_the_frames_that_are_owed() -> None:
    """A history that is drawn slowly, frame by frame, does not keep the pings from their time."""
    client = stuck()
    give_up = time.monotonic() + WAIT_SECONDS
    sent: list[bytes] = []

    def history() -> Iterator[bytes]:
        while b"." not in sent and time.monotonic() < give_up:
            yield b"piece"
        yield b"end"
        client.close(End.POLICY)

    client.owe(history())
    write_pump(client, lambda data, _: sent.append(data), ping=b".", ping_seconds=0.005)
    assert sent.index(b".") < sent.index(b"end")


def test_no_ping_unless_asked() -> None:
    """Without a period the pump is not woken for pings, and an endless wait does not overflow the lock's clock."""
    client = stuck()
    asked: list[float] = []

    class Asleep(Client):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            asked.append(timeout)
            self.close(End.POLICY)
            return super().take(timeout)

    client = Asleep(lambda _: 0)
    send = Sent(client, until=1)
    write_pump(client, send, ping_seconds=math.inf)
    assert asked == [3600.0]
    assert send.data == []
