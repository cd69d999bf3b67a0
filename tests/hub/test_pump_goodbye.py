"""What a write pump still writes to a client that is told to go away, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from telemetry_stream.hub.client import QUEUE_FRAMES, Client, End
from telemetry_stream.hub.pump import write_pump
from tests.hub.pumped import Sent, stuck
from tests.hub.wire import numbered


def test_who_is_told_to_go_away_gets_what_waits_first() -> None:
    """The frames of a full queue, whose end the pump sees only when it has written one."""
    client = stuck()
    for n in range(QUEUE_FRAMES):
        client.offer(numbered(n))
    sent: list[bytes] = []
    allowed: set[float] = set()

    def send(data: bytes, deadline: float) -> None:
        if client.close(End.GOING_AWAY):
            assert client.offer(b"too late")
        else:
            allowed.add(deadline)
        sent.append(data)

    write_pump(client, send)
    assert sent == [*(numbered(n) for n in range(QUEUE_FRAMES)), b""]
    assert client.sent == QUEUE_FRAMES
    assert len(allowed) == 1  # one deadline for all of it, however many wait


def test_who_is_told_to_go_away_while_the_pump_sleeps() -> None:
    """A rest that the sender keeps goes out, and nothing is lost whether the pump looks before the goodbye or after."""
    client = stuck()
    client.offer(b"<1>")
    client.close(End.GOING_AWAY)
    send = Sent(client, until=9)
    write_pump(client, send)
    assert send.data == [b"<1>", b""]

    class Told(Client):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            item = super().take(timeout)
            self.close(End.GOING_AWAY)
            return item

    client = Told(lambda _: 0)
    client.offer(b"<1>")
    client.offer(b"<2>")
    send = Sent(client, until=9)
    write_pump(client, send)
    assert send.data == [b"<1>", b"<2>", b""]


def test_nobody_waits_for_who_goes_away_without_reading() -> None:
    """One that reads on has half a second, which the goodbye is not to wait for in vain; the reason stays."""
    client = stuck()
    client.offer(b"<1>")
    client.offer(b"<2>")
    tried: list[bytes] = []

    def deaf(data: bytes, deadline: float) -> None:
        tried.append(data)
        if not client.close(End.GOING_AWAY):
            assert deadline - time.monotonic() <= 0.5
            raise TimeoutError

    write_pump(client, deaf)
    assert tried == [b"<1>", b"<2>"]
    assert client.end is End.GOING_AWAY


@pytest.mark.parametrize("told_after", [0, 1])
def test_what_is_owed_is_neither_begun_nor_finished_at_the_goodbye(told_after: int) -> None:
    """It may take longer than there is, and nothing may follow a part of it."""
    client = stuck()
    client.owe(iter([b"<1>", b"<2>"]))
    client.offer(b"<3>")
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        client.close(End.GOING_AWAY)

    if not told_after:
        client.close(End.GOING_AWAY)
    write_pump(client, send)
    assert sent == [b"<1>"][:told_after]


def test_what_follows_an_opening_that_is_out_is_sent() -> None:
    """It is whole when its last frame is, though the goodbye came in the meantime."""
    client = stuck()
    client.owe(iter([b"<1>", b"<2>"]))
    client.offer(b"<3>")
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        if data == b"<2>":
            client.close(End.GOING_AWAY)

    write_pump(client, send)
    assert sent == [b"<1>", b"<2>", b"<3>", b""]
