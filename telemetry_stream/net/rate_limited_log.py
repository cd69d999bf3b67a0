"""Log lines that clients can cause at any rate: at most one a minute, with the number of those suppressed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

INTERVAL_SECONDS = 60.0


class RateLimitedLog:
    """Writes to ``log`` at ``level``, at most once in ``INTERVAL_SECONDS``.

    Thread-safe. ``_lock`` guards ``_next_at`` and ``_suppressed``.
    """

    def __init__(
        self, log: logging.Logger, level: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._level = level
        self._clock = clock
        self._lock = threading.Lock()
        self._next_at = float("-inf")
        self._suppressed = 0

    def log(self, message: str, *args: object) -> None:
        """Write the line as ``Logger.log`` does, or count it if the last one is less than a minute old."""
        with self._lock:
            now = self._clock()
            if now < self._next_at:
                self._suppressed += 1
                return
            self._next_at = now + INTERVAL_SECONDS
            suppressed, self._suppressed = self._suppressed, 0
        if suppressed:
            message, args = message + " (similar lines suppressed: %d)", (*args, suppressed)
        self._log.log(self._level, message, *args, stacklevel=2)
