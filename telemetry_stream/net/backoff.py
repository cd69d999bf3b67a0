"""When to connect again: 0.25 s after the first failure, then twice as long each time, up to 4 s.

Each delay is random, so that a thousand clients do not return to a restarted server at the same moment.
"""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_SECONDS = 0.25
MOST_SECONDS = 4.0
STABLE_SECONDS = 5.0  # a connection that lasted this long begins anew


class Backoff:
    """The delays of one client. ``uniform`` draws a number between two others."""

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._seconds = FIRST_SECONDS

    def delay_seconds(self, connected_seconds: float) -> float:
        """Return how long to wait after a connection that lasted this long (0: none)."""
        if connected_seconds >= STABLE_SECONDS:
            self._seconds = FIRST_SECONDS
        seconds, self._seconds = self._seconds, min(2 * self._seconds, MOST_SECONDS)
        return seconds * self._uniform(0.5, 1.5)
