"""Log lines for what strangers can cause as often as they like: one a minute, with the number of those left out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

SECONDS = 60.0


class RateLimitedLog:
    """Writes to ``log`` at ``level``, at most once in 60 s. For any thread; the lock guards when, and the number."""

    def __init__(
        self, log: logging.Logger, level: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._level = level
        self._clock = clock
        self._lock = threading.Lock()
        self._quiet_until = float("-inf")
        self._unsaid = 0

    def log(self, message: str, *args: object) -> None:
        """As ``Logger.log``, unless such a line has been written within the last minute."""
        with self._lock:
            now = self._clock()
            if now < self._quiet_until:
                self._unsaid += 1
                return
            self._quiet_until = now + SECONDS
            unsaid, self._unsaid = self._unsaid, 0
        if unsaid:
            message, args = message + " (%d more since the last such line)", (*args, unsaid)
        self._log.log(self._level, message, *args, stacklevel=2)
