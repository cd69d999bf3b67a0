"""The write pump with a send in memory: what it writes, in which order, and with which deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator

from telemetry_stream.hub.client import Client, End
from telemetry_stream.hub.pump import write_pump
from tests.hub.clients import QueuedClient, fill
from tests.hub.transport import FakeTransport, RecordingSend


def test_queued_frames_are_written_in_order() -> None:
    """The pump writes the oldest frame first, and returns when the client has ended."""
    client = QueuedClient()
    frames = fill(client)
    send = RecordingSend(client, until=16)
    write_pump(client, send)
    assert send.data == frames
    assert client.sent == 16


def test_frames_queued_first_are_made_one_by_one() -> None:
    """The pump takes a frame from the iterator only when the one before is written, and then writes live frames."""
    client = QueuedClient()
    log: list[str] = []

    def first() -> Iterator[bytes]:
        for frame in (b"hello", b"history"):
            log.append(f"make {frame.decode()}")
            yield frame

    def send(data: bytes, deadline: float) -> None:
        log.append(f"send {data.decode()}")
        if data == b"live":
            client.close(End.POLICY)

    client.queue_first(first())
    client.offer(b"live")
    write_pump(client, send)
    assert log == ["make hello", "send hello", "make history", "send history", "send live"]
    assert client.sent == 3


def test_the_pump_sends_the_rest_of_a_direct_write() -> None:
    """After a partial direct write the pump sends the rest, counts no frame for it, and opens the direct path."""
    transport = FakeTransport(room=2)
    client = Client(transport.try_send)
    client.offer(b"<1>")
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        if data == b".":  # the first ping comes after the empty item
            transport.room = 100
            client.offer(b"<2>")
            client.close(End.POLICY)
            return
        sent.append(data)
        transport.send(data)

    write_pump(client, send, ping=b".", ping_seconds=0)
    assert sent == [b""]
    assert transport.written == b"<1><2>"
    assert client.sent == 2


def test_no_frame_overtakes_one_that_is_being_written() -> None:
    """While the pump writes a frame, a newer frame is queued although the socket has room."""
    transport = FakeTransport(room=0)
    client = Client(transport.try_send)
    client.offer(b"<1>")
    transport.room = 100

    def send(data: bytes, deadline: float) -> None:
        if data == b"<1>":
            client.offer(b"<2>")
        else:
            client.close(End.POLICY)
        transport.send(data)

    write_pump(client, send)
    assert transport.numbers() == [1, 2]


def test_each_write_has_a_deadline_of_its_own() -> None:
    """Each frame and each ping has 10 s, counted from the end of the write before it."""
    client = QueuedClient()
    client.queue_first(iter([b"<1>", b"<2>"]))
    client.offer(b"<3>")
    sent: list[bytes] = []
    previous_end = time.monotonic()

    def send(data: bytes, deadline: float) -> None:
        nonlocal previous_end
        assert previous_end + 10.0 <= deadline <= time.monotonic() + 10.0
        sent.append(data)
        if data == b"<3>":
            client.close(End.POLICY)
        previous_end = time.monotonic()

    write_pump(client, send, ping=b".", ping_seconds=0)
    assert sent == [b"<1>", b".", b"<2>", b".", b"<3>"]


def test_a_client_ends_at_its_time() -> None:
    """The pump wakes up for it, also if no frame comes and no ping is due."""
    client = Client(lambda _: 0)
    write_pump(client, lambda *_: None, until=time.monotonic() + 0.05)
    assert client.end is End.POLICY


def test_the_time_of_a_client_also_ends_the_frames_queued_first() -> None:
    """A history is broken off after the frame that is being written."""
    client = Client(lambda _: 0)
    sent: list[bytes] = []
    until = time.monotonic() + 0.05

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        time.sleep(max(0.0, until - time.monotonic()))

    client.queue_first(iter([b"hello", b"history", b"more"]))
    write_pump(client, send, until=until)
    assert (sent, client.end) == ([b"hello"], End.POLICY)
