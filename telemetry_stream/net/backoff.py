"""When to connect again: 0.25 s after the first failure, then twice as long each time, up to 4 s.

Each delay is random, so that a thousand clients do not return to a restarted server at the same moment. They lose their
connections at the same moment, so their first delays must be spread over more than 0.25 s (``spread_seconds``).
"""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_SECONDS = 0.25
MOST_SECONDS = 4.0
STABLE_SECONDS = 5.0  # a connection that lasted this long begins anew


class Backoff:
    """The delays of one client.

    After a stable connection, the first delay is any up to ``spread_seconds``, and the next ones begin there (0: the
    delays begin anew). ``uniform`` draws a number between two others.
    """

    def __init__(
        self,
        uniform: Callable[[float, float], float] = random.uniform,
        *,
        spread_seconds: float = 0.0,
    ) -> None:
        self._uniform = uniform
        self._spread_seconds = spread_seconds
        self._seconds = FIRST_SECONDS

    def delay_seconds(self, connected_seconds: float) -> float:
        """Return how long to wait after a connection that lasted this long (0: none)."""
        if connected_seconds >= STABLE_SECONDS:
            self._seconds = FIRST_SECONDS
            if self._spread_seconds:
                self._seconds = self._spread_seconds
                return self._uniform(FIRST_SECONDS / 2, self._spread_seconds)
        seconds, self._seconds = self._seconds, min(2 * self._seconds, MOST_SECONDS)
        return seconds * self._uniform(0.5, 1.5)
