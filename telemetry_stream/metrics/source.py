"""The contract between the collector and its sources: what a source is, what it is told, and what it may return.

A source has a ``name``, which is its section's name, and ``collect(now)``, which returns the section's record, a
``Stale`` one, or None where this host has no such thing. An exception costs its own section only. A source that holds
descriptors or workers also has ``close()``, after which it may be asked again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

# Above the jitter of two clocks read one after the other, below the shortest suspend.
SUSPEND_SECONDS = 0.5


class Source(Protocol):
    """What the collector asks each tick. ``collect`` runs on the collecting thread and must not wait."""

    @property
    def name(self) -> str: ...

    def collect(self, now: Now) -> object | None: ...


@runtime_checkable
class Closeable(Protocol):
    """A source that holds descriptors or workers."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stale:
    """The newest section there is and its age, where something that the source asked does not answer."""

    section: object
    age_seconds: float | None


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Clock:
    """The three clocks of a sample, which a test or a captured host can replace.

    Monotonic measures rates (it stands still in suspend), boottime shows that the machine was suspended, realtime only
    labels (it jumps when somebody sets the clock).
    """

    monotonic: Callable[[], float] = time.monotonic
    # Linux only; elsewhere a suspend goes unnoticed, as it does to the psutil fallback.
    boottime: Callable[[], float] = _boottime if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
    realtime: Callable[[], float] = time.time


@dataclass(slots=True)
class Now:
    """One tick: its number (what is cached, is cached for one tick) and what the clocks showed when it began."""

    tick: int
    monotonic: float
    boottime: float
    realtime: float
    wanted: frozenset[str] = frozenset()  # sections whose on-demand parts are wanted
    suspended_seconds: float = 0.0  # since the previous tick: boottime passed less monotonic passed

    @property
    def was_suspended(self) -> bool:
        """True if the machine was suspended so long that tick counters of the cores make no sense."""
        return self.suspended_seconds > SUSPEND_SECONDS


class Statvfs(Protocol):
    """What we use of os.statvfs_result."""

    @property
    def f_frsize(self) -> int: ...
    @property
    def f_blocks(self) -> int: ...
    @property
    def f_bfree(self) -> int: ...
    @property
    def f_bavail(self) -> int: ...
    @property
    def f_files(self) -> int: ...
    @property
    def f_ffree(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller of the collector chooses for all sources."""

    filesystem_types: frozenset[str] = frozenset()  # shown besides local disks: "nfs4", ...
    process_rows: int | None = 15  # by CPU, and as many by memory; None: all processes
    # How long one collect() may wait for what may block (mounts, sensors, TCP states). The ticking program never waits;
    # a program that takes a single sample waits for all of it.
    timeout_seconds: float = 0.0
    statvfs: Callable[[str], Statvfs] = os.statvfs
