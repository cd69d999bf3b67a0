"""When one receiver may get its next message: the limit of messages per hour, and the delays after failures.

No clock. Times are in monotonic seconds.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Iterable

from .message import Event

HOUR_SECONDS = 3600.0
FIRST_RETRY_SECONDS = 2.0
MAX_RETRY_SECONDS = 300.0

# Events, and when each is to be sent.
Due = Iterable[tuple[float, Event]]


class Schedule:
    """Counts the messages and the failures of one receiver. One thread calls it."""

    def __init__(
        self, per_hour: int, *, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._per_hour = per_hour
        self._uniform = uniform
        self._retry_at = 0.0
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._sent_times: deque[float] = deque()  # of the last hour

    def message_at(self, due: Due, now: float) -> float:
        """Return when the next message may be sent. Reminders alone leave half of the messages per hour to news."""
        times: dict[bool, list[float]] = {True: [], False: []}
        for at, event in due:
            times[event.kind == "reminder"].append(at)
        news_at = max(min(times[False], default=math.inf), self._rate_at(now, self._per_hour))
        half = max(1, self._per_hour // 2)
        reminders_at = max(min(times[True], default=math.inf), self._rate_at(now, half))
        return max(self._retry_at, min(news_at, reminders_at))

    def _rate_at(self, now: float, per_hour: int) -> float:
        """Return from when on a limit of messages per hour allows one more."""
        while self._sent_times and self._sent_times[0] <= now - HOUR_SECONDS:
            self._sent_times.popleft()
        if len(self._sent_times) < per_hour:
            return now
        return self._sent_times[-per_hour] + HOUR_SECONDS

    def note_sent(self, now: float) -> None:
        """Note that a message was delivered."""
        self._sent_times.append(now)
        self._retry_at, self._retry_seconds = 0.0, FIRST_RETRY_SECONDS

    def note_failure(self, now: float, retry_seconds: float) -> float:
        """Note a failure. Return the seconds until the next attempt: random ones, and ``retry_seconds`` at least."""
        seconds = max(self._retry_seconds * self._uniform(0.5, 1.5), retry_seconds)
        self._retry_seconds = min(2 * self._retry_seconds, MAX_RETRY_SECONDS)
        self._retry_at = now + seconds
        return seconds

    def take_over(self, other: Schedule) -> None:
        """Count the messages of another schedule of the same receiver, whose settings have changed."""
        self._sent_times = other._sent_times
