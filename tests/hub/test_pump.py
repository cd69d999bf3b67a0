"""The write pump with a send in memory: what it writes, in which order, and how long each write may take."""

from __future__ import annotations

import time
from collections.abc import Iterator

from telemetry_stream.hub.client import Client, End
from telemetry_stream.hub.pump import WRITE_SECONDS, write_pump
from tests.hub.pumped import WAIT_SECONDS, Sent, stuck
from tests.hub.wire import Wire, numbered


def test_writes_what_waits_in_order() -> None:
    """Queued frames go out oldest first, and the pump returns when the client has ended."""
    client = stuck()
    for n in range(5):
        client.offer(numbered(n))
    send = Sent(client, until=5)
    write_pump(client, send)
    assert send.data == [numbered(n) for n in range(5)]


def test_owed_frames_are_drawn_one_by_one() -> None:
    """Each owed frame is made only when the one before has been written; then come the live ones."""
    client = stuck()
    log: list[str] = []

    def owed() -> Iterator[bytes]:
        for n in range(3):
            log.append(f"made {n}")
            yield numbered(n)

    def send(data: bytes, deadline: float) -> None:
        log.append(f"sent {data.decode()}")
        if data == b"<9>":
            client.close(End.POLICY)

    client.owe(owed())
    client.offer(b"<9>")
    write_pump(client, send)
    assert log == ["made 0", "sent <0>", "made 1", "sent <1>", "made 2", "sent <2>", "sent <9>"]
    assert client.sent == 4


def test_flush_writes_nothing_and_opens_the_straight_path() -> None:
    """After a partial write the pump asks the sender for its rest, counts no frame, and the next goes straight."""
    wire = Wire(room=2)
    client = Client(wire.try_send)
    client.offer(b"<1>")
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        if data == b".":  # the first ping: the flush is behind us
            wire.room = 100
            client.offer(b"<2>")
            client.close(End.POLICY)
            return
        sent.append(data)
        wire.send(data)

    write_pump(client, send, ping=b".", ping_seconds=0)
    assert sent == [b""]
    assert wire.written == b"<1><2>"
    assert client.sent == 2


def test_frame_in_the_pump_is_not_overtaken() -> None:
    """While the pump writes its last frame, a newer one goes through the queue, though the socket would take it."""
    wire = Wire(room=0)
    client = Client(wire.try_send)
    client.offer(b"<1>")
    wire.room = 100

    def send(data: bytes, deadline: float) -> None:
        if data == b"<1>":
            client.offer(b"<2>")
        else:
            client.close(End.POLICY)
        wire.send(data)

    write_pump(client, send)
    assert wire.numbers() == [1, 2]


def test_each_write_has_the_write_deadline() -> None:
    """Every frame and every ping may take the write deadline, counted from its own start."""
    client = stuck()
    client.owe(iter([b"<1>", b"<2>"]))
    allowed: list[float] = []

    def send(data: bytes, deadline: float) -> None:
        allowed.append(deadline - time.monotonic())
        if data == b".":
            client.close(End.POLICY)

    write_pump(client, send, write_seconds=1000.0, ping=b".", ping_seconds=0)
    assert len(allowed) == 3
    assert all(1000.0 - WAIT_SECONDS < seconds <= 1000.0 for seconds in allowed)
    assert WRITE_SECONDS == 10.0
