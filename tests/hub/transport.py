"""A transport in memory: the non-blocking send of a client, and the blocking send of its write pump."""

from __future__ import annotations

import re

from telemetry_stream.hub import Client, End


def numbered(number: int) -> bytes:
    """Return a frame with its number between two marks, so that a test notices a missing part."""
    return b"<%d>" % number


class FakeTransport:
    """Sends up to ``room`` bytes without waiting, and keeps the rest of a frame that it sent in part.

    Like the real transport, it sends nothing more without waiting until ``send`` has sent that rest.
    """

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.written = b""
        self.rest = b""

    def try_send(self, frame: bytes) -> int:
        taken = 0 if self.rest else min(len(frame), self.room)
        self.room -= taken
        self.written += frame[:taken]
        if taken:
            self.rest = frame[taken:]
        return taken

    def send(self, data: bytes) -> None:
        """Write the rest and all of ``data``. A blocking send waits for room, so ``room`` does not limit it."""
        self.written += self.rest + data
        self.rest = b""

    def numbers(self) -> list[int]:
        """Return the numbers of the frames sent, after a check that each frame is complete. Pings are dots."""
        stream = self.written + self.rest
        assert re.fullmatch(rb"(<\d+>|\.)*", stream), stream
        return [int(number) for number in re.findall(rb"\d+", stream)]


class RecordingSend:
    """A send for the write pump that records all data, and ends the client at a given number of writes.

    The pump then returns, so that it can run on the thread of the test.
    """

    def __init__(self, client: Client, until: int) -> None:
        self.client = client
        self.until = until
        self.data: list[bytes] = []

    def __call__(self, data: bytes, deadline: float) -> None:
        self.data.append(data)
        if len(self.data) == self.until:
            self.client.close(End.POLICY)
