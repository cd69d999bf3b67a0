"""The quota of a viewer: how much it may send. A viewer has nothing to send but pongs, pings and a close frame.

Without a limit, one client that floods the server uses a whole core.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Allowance(NamedTuple):
    """The limits of one viewer: bytes per message, and frames (of every kind) and bytes per second."""

    message_bytes: int = 512
    frames_per_second: int = 20
    bytes_per_second: int = 16 * 1024


class QuotaExceededError(OSError):
    """The peer sends too much. It is an OSError because simple-websocket's reader ends cleanly on those."""


class Quota:
    """Counts what one viewer sends. Used only by the read pump."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float] = time.monotonic) -> None:
        self.allowance = allowance
        self.exceeded = False
        self._clock = clock
        self._second_ends = 0.0  # the current second began with its first frame
        self._frames = 0
        self._bytes = 0

    def take(self, *, frames: int = 0, size: int = 0) -> None:
        """Count received frames and bytes. Raises QuotaExceededError if there are too many in the current second."""
        _, max_frames, max_bytes = self.allowance
        now = self._clock()
        if now >= self._second_ends:
            self._second_ends = now + 1.0
            self._frames = self._bytes = 0
        self._frames += frames
        self._bytes += size
        if self._frames > max_frames or self._bytes > max_bytes:
            self.exceeded = True
            raise QuotaExceededError(
                f"more than {max_frames} frames or {max_bytes} bytes in a second"
            )
