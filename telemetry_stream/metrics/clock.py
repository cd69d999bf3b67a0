"""The three clocks of a sample, as values that a test or a captured host can replace.

Monotonic measures rates (it stands still in suspend), boottime tells that the machine was suspended, realtime only
labels (it jumps when somebody sets the clock). Nothing here waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .frozen import frozen


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the collector asks for the time."""

    monotonic: Callable[[], float] = time.monotonic
    # Linux only; elsewhere a suspend goes unnoticed, as it does to the psutil fallback.
    boottime: Callable[[], float] = _boottime if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
    realtime: Callable[[], float] = time.time


@frozen
class Now:
    """One tick: its number (what is cached, is cached for one tick) and what the clocks said when it began."""

    tick: int
    monotonic: float
    boottime: float
    realtime: float
    wanted: frozenset[str] = frozenset()  # sections whose dear parts somebody asks for
    suspended_seconds: float = 0.0  # since the tick before: boottime passed less monotonic passed

    @property
    def was_suspended(self) -> bool:
        """True when so much time was slept through that tick counters of the cores make no sense."""
        return self.suspended_seconds > SUSPEND_SECONDS


# Above the jitter of two clocks read one after the other, below the shortest suspend.
SUSPEND_SECONDS = 0.5
