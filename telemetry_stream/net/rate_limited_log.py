"""Log lines that clients can cause at any rate: a few each minute, with the number of those suppressed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

INTERVAL_SECONDS = 60.0


class RateLimitedLog:
    """Writes to ``log`` at ``level``, at most ``burst`` lines in ``INTERVAL_SECONDS``.

    Thread-safe. ``_lock`` guards ``_until``, ``_left`` and ``_suppressed``.
    """

    def __init__(
        self,
        log: logging.Logger,
        level: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        burst: int = 1,
    ) -> None:
        self._log = log
        self._level = level
        self._clock = clock
        self._burst = burst
        self._lock = threading.Lock()
        self._until = float("-inf")  # the end of the present interval
        self._left = 0  # lines that may still be written in it
        self._suppressed = 0

    def log(self, message: str, *args: object) -> None:
        """Write the line as ``Logger.log`` does, or count it if too many were written in this minute."""
        with self._lock:
            now = self._clock()
            if now >= self._until:
                self._until, self._left = now + INTERVAL_SECONDS, self._burst
            if not self._left:
                self._suppressed += 1
                return
            self._left -= 1
            suppressed, self._suppressed = self._suppressed, 0
        if suppressed:
            message, args = message + " (similar lines suppressed: %d)", (*args, suppressed)
        self._log.log(self._level, message, *args, stacklevel=2)
