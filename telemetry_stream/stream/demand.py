"""Demand: what viewers want of one host, until when, and how often the host is therefore sampled.

Viewers demand sections in two ways: by a request (``want``), and by being connected, which the origin notes at each
tick (``tick``). An origin reads ``wanted`` when it takes a sample: on-demand sections are collected only if they are
in it. While no viewer is connected the origin samples at the idle interval; the next request restores the normal one
at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable

# Demand outlives its viewer by this time: a page that is reloaded finds everything as it was.
LINGER_SECONDS = 5.0


class Demand:
    """The demand for one host.

    Any thread may call any method. The lock guards all attributes, and makes a change of the interval one step with its
    reason: a tick that saw no viewer cannot slow down an origin that a request has just woken.

    ``default_sections`` are those of a viewer that names none. ``on_interval`` is called with the new interval in
    seconds when it changes; it must not block.
    """

    def __init__(
        self,
        *,
        default_sections: Collection[str],
        interval_seconds: float,
        idle_interval_seconds: float,
        on_interval: Callable[[float], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._default_sections = tuple(default_sections)
        self.normal_interval_seconds = interval_seconds
        self._idle_seconds = max(interval_seconds, idle_interval_seconds)
        self._on_interval = on_interval
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._interval_seconds = interval_seconds
        self._until: dict[str, float] = {}  # section -> end of its demand, monotonic seconds
        self._idle_from = 0.0  # monotonic seconds: the end of the demand for the normal interval
        self._ticked_at: float | None = None
        self._woken_at = 0.0

    def want(self, sections: Collection[str] | None, seconds: float = LINGER_SECONDS) -> bool:
        """Demand these sections (None: the default ones) for this many seconds, and the normal interval for a while.

        Return True if this ended an idle period and the newest sample is older than the normal interval: then a new
        sample is on its way.
        """
        with self._lock:
            now = self._monotonic()
            self._extend_locked(sections, now + seconds)
            self._idle_from = now + LINGER_SECONDS
            if self._interval_seconds == self.normal_interval_seconds:
                return False
            self._woken_at = now
            self._change_interval_locked(self.normal_interval_seconds)
            return (
                self._ticked_at is not None and now - self._ticked_at > self.normal_interval_seconds
            )

    def tick(self, chosen: Iterable[Collection[str] | None]) -> None:
        """Note that a tick begins, and the choices of sections of the viewers that are connected now."""
        with self._lock:
            now = self._ticked_at = self._monotonic()
            any_viewer = False
            for sections in chosen:
                any_viewer = True
                self._extend_locked(sections, now + LINGER_SECONDS)
            if any_viewer:
                self._idle_from = now + LINGER_SECONDS
            elif now >= self._idle_from:
                self._change_interval_locked(self._idle_seconds)

    def wanted(self) -> frozenset[str]:
        """The names of the sections that are wanted now."""
        now = self._monotonic()
        with self._lock:
            return frozenset(name for name, until in self._until.items() if until >= now)

    def age_seconds(self) -> float:
        """How long ago the newest tick began, in seconds; 0 before the first.

        After an idle period it is counted from its end: an origin that has just been woken is not late.
        """
        with self._lock:
            if self._ticked_at is None:
                return 0.0
            return self._monotonic() - max(self._ticked_at, self._woken_at)

    @property
    def interval_seconds(self) -> float:
        """The time between two samples now: the normal interval or the idle one."""
        return self._interval_seconds

    def _extend_locked(self, sections: Collection[str] | None, until: float) -> None:
        for name in self._default_sections if sections is None else sections:
            self._until[name] = max(until, self._until.get(name, until))

    def _change_interval_locked(self, seconds: float) -> None:
        if seconds != self._interval_seconds:
            self._interval_seconds = seconds
            self._on_interval(seconds)
