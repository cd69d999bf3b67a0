"""A transport in memory for the tests of client and pump: the contract of a non-blocking send, and no socket."""

from __future__ import annotations

import re


def numbered(number: int) -> bytes:
    """A frame that tells its number and where it begins and ends."""
    return b"<%d>" % number


class Wire:
    """Takes ``room`` bytes straight; keeps the rest of a frame it cut, and takes no other until that has gone out."""

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
        """The write pump's whole write: waits, so room does not matter."""
        self.written += self.rest + data
        self.rest = b""

    def numbers(self) -> list[int]:
        """Which frames the peer has or will have, of which each must be whole; pings are dots."""
        stream = self.written + self.rest
        assert re.fullmatch(rb"(<\d+>|\.)*", stream), stream
        return [int(number) for number in re.findall(rb"\d+", stream)]
