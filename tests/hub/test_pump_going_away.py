"""The frames that a write pump still writes to a client that ends with GOING_AWAY, and how long it tries."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from telemetry_stream.hub.client import End
from telemetry_stream.hub.frame_queue import Many
from telemetry_stream.hub.pump import write_pump
from tests.hub.clients import QueuedClient, fill
from tests.hub.transport import RecordingSend


def test_waiting_frames_are_written_first() -> None:
    """All frames of a full queue are written, with one deadline for all of them, and later frames are discarded."""
    client = QueuedClient()
    frames = fill(client)
    sent: list[bytes] = []
    deadlines: set[float] = set()

    def send(data: bytes, deadline: float) -> None:
        if client.close(End.GOING_AWAY):
            assert client.offer(b"late")
        else:
            deadlines.add(deadline)
        sent.append(data)

    write_pump(client, send)
    assert sent == [*frames, b""]
    assert client.sent == len(frames)
    assert len(deadlines) == 1


def test_waiting_frames_are_written_if_the_client_ended_before() -> None:
    """Nothing is lost if the client ends before the pump takes its first frame."""
    client = QueuedClient()
    client.offer(b"<1>")
    client.close(End.GOING_AWAY)
    send = RecordingSend(client, until=9)
    write_pump(client, send)
    assert send.data == [b"<1>", b""]


def test_a_frame_that_is_already_taken_is_written() -> None:
    """Nothing is lost if the client ends after the pump took a frame and before the write."""

    class EndingClient(QueuedClient):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            item = super().take(timeout)
            self.close(End.GOING_AWAY)
            return item

    client = EndingClient()
    client.offer(b"<1>")
    client.offer(b"<2>")
    send = RecordingSend(client, until=9)
    write_pump(client, send)
    assert send.data == [b"<1>", b"<2>", b""]
    assert client.sent == 2


def test_a_client_that_does_not_read_gets_half_a_second() -> None:
    """The pump gives up at the deadline, writes no further frame, and keeps the reason of the end."""
    client = QueuedClient()
    for frame in (b"<1>", b"<2>", b"<3>"):
        client.offer(frame)
    attempts: list[bytes] = []
    ended_at = 0.0

    def send(data: bytes, deadline: float) -> None:
        nonlocal ended_at
        attempts.append(data)
        if client.close(End.GOING_AWAY):
            ended_at = time.monotonic()
        else:
            assert ended_at + 0.5 <= deadline <= time.monotonic() + 0.5
            raise TimeoutError

    write_pump(client, send)
    assert attempts == [b"<1>", b"<2>"]
    assert client.end is End.GOING_AWAY


@pytest.mark.parametrize("written", [0, 1])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_row_of_frames_is_neither_begun_nor_completed(written: int, is_first: bool) -> None:
    """Frames of queue_first and of a Many may take too long, and after later ones they would stay missing."""
    client, frames = QueuedClient(), [b"<1>", b"<2>"]
    if is_first:
        client.queue_first(iter(frames))
    else:
        client.offer_many(Many(2, lambda: iter(frames)))
    client.offer(b"<3>")
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        client.close(End.GOING_AWAY)

    if not written:
        client.close(End.GOING_AWAY)
    write_pump(client, send)
    assert sent == [b"<1>"][:written]


def test_frames_after_complete_first_frames_are_written() -> None:
    """If the client ends during the last frame of queue_first, those frames are complete, and live frames follow."""
    client = QueuedClient()
    client.queue_first(iter([b"<1>", b"<2>"]))
    client.offer(b"<3>")
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        if data == b"<2>":
            client.close(End.GOING_AWAY)

    write_pump(client, send)
    assert sent == [b"<1>", b"<2>", b"<3>", b""]
