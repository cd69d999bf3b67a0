"""The front ends that want something of this host: their leases, and how often each may request samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .messages import Want

MAX_FRONTS = 16
ASK_SECONDS = 1.0
# A front end that sent nothing for this long, and has no lease, makes room for another one.
FORGET_SECONDS = 30.0


@dataclass(slots=True)
class _Front:
    seen_at: float
    until: float = -math.inf  # the end of its lease
    sections: frozenset[str] = frozenset()
    asked_at: float = -math.inf


class Fronts:
    """The front ends by their ids, at most 16. All times are monotonic seconds. One thread uses it."""

    def __init__(self) -> None:
        self._fronts: dict[str, _Front] = {}

    def lease(self, want: Want, now: float) -> bool:
        """Begin, extend or change a lease; 0 seconds end it. Return False if there are too many front ends."""
        front = self._maybe_front(want.front, now)
        if front is None:
            return False
        front.until = now + want.seconds
        front.sections = want.sections
        return True

    def may_ask(self, name: str, now: float) -> bool:
        """Return whether a request of this front end is accepted now: one per second, and not too many front ends."""
        front = self._maybe_front(name, now)
        if front is None or now < front.asked_at + ASK_SECONDS:
            return False
        front.asked_at = now
        return True

    def maybe_wanted(self, now: float) -> frozenset[str] | None:
        """Return the on-demand sections of all leases together, or None if there is no lease."""
        leases = [front.sections for front in self._fronts.values() if front.until > now]
        return frozenset().union(*leases) if leases else None

    def _maybe_front(self, name: str, now: float) -> _Front | None:
        front = self._fronts.get(name)
        if front is None:
            self._forget(now)
            if len(self._fronts) >= MAX_FRONTS:
                return None
            front = self._fronts[name] = _Front(now)
        front.seen_at = now
        return front

    def _forget(self, now: float) -> None:
        for name, front in list(self._fronts.items()):
            if front.until <= now and front.seen_at + FORGET_SECONDS <= now:
                del self._fronts[name]
