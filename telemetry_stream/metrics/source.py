"""The contract between the collector and its sources.

A source has a ``name``, which is the name of its section, and a method ``collect(now)``, which returns

- the record of the section,
- a ``Stale`` record if something that the source reads does not answer, or
- None if this host does not have what the section describes.

An exception costs only the section of its source: the sample reports the reason, and the other sources are collected.

Two members are optional. A source that holds descriptors or workers has a method ``close()``; ``collect`` may be called
again after it. A source whose section is expensive has ``on_demand = True``; it is collected only while its section is
wanted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")

# Longer than the time between two reads of different clocks, shorter than any suspend.
SUSPEND_SECONDS = 0.5
# Absent hardware is looked for this often.
SEARCH_SECONDS = 30.0


class Source(Protocol):
    """One section of a sample.

    ``collect`` of a built-in source runs on the collecting thread and must not wait. That of an embedding program's
    source runs on a thread of its own.
    """

    @property
    def name(self) -> str: ...

    def collect(self, now: Now) -> object | None: ...


@runtime_checkable
class Closeable(Protocol):
    """A source that holds descriptors or workers."""

    def close(self) -> None: ...


def is_on_demand(source: object) -> bool:
    """Return whether ``source``, or each source of this class, is collected only while its section is wanted."""
    return bool(getattr(source, "on_demand", False))


@dataclass(frozen=True, slots=True)
class Stale:
    """The newest section that is known, and its age (None: unknown), while something does not answer."""

    section: object
    age_seconds: float | None


class NotWanted:
    """What a source returns that has nothing to show because nobody wants its section. A sample has no state of it."""


NOT_WANTED = NotWanted()


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Clock:
    """The three clocks of a sample, in seconds. Tests and captured hosts replace them.

    Rates use monotonic, which stands still during a suspend. The difference between boottime and monotonic shows a
    suspend. Realtime is only a label: it jumps when the system time is set.
    """

    monotonic: Callable[[], float] = time.monotonic
    # Only Linux has it. Elsewhere a suspend is not noticed; the psutil fallback does not notice it either.
    boottime: Callable[[], float] = _boottime if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
    realtime: Callable[[], float] = time.time


@dataclass(slots=True)
class Now:
    """One tick: its number, by which files are cached, and the clocks when it began, in seconds."""

    tick: int
    monotonic: float
    boottime: float
    realtime: float
    wanted: frozenset[str] = frozenset()  # sections whose on-demand parts are wanted
    suspended_seconds: float = 0.0  # since the tick before
    # Those that this tick has collected so far. Empty for sources of an embedding program, which run on other threads.
    sections: Mapping[str, object] = field(default_factory=dict)

    @property
    def was_suspended(self) -> bool:
        """Whether the machine was suspended for so long that the tick counters of its cores mean nothing."""
        return self.suspended_seconds > SUSPEND_SECONDS


class OncePerTick(Generic[T]):
    """What a function returns for a tick. The sources that share it cause one call per tick.

    If the call raises, its exception is raised again until the next tick: the value of a tick before is not current.
    """

    def __init__(self, make: Callable[[Now], T]) -> None:
        self._make = make
        self._tick = -1
        self._value: T | None = None
        self._error: Exception | None = None

    def get(self, now: Now) -> T:
        """Return the value of this tick. Raises what the function raised."""
        if now.tick != self._tick:
            self._tick = now.tick
            self._value = self._error = None
            try:
                self._value = self._make(now)
            except Exception as error:
                self._error = error
                raise
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set whenever there is no error


class Statvfs(Protocol):
    """The fields of os.statvfs_result that we use."""

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
    """The choices of the collector's caller."""

    # The number of processes shown by CPU, and again by memory; None: all processes.
    process_rows: int | None = 15
    # How much of a process's command line is shown: none, name (the program) or full. Arguments may be secrets.
    process_arguments: str = "none"
    # How long one collect() may wait for calls that can block (mounts, sensors, TCP states). The program, which ticks,
    # never waits. A caller that takes a single sample waits for all of it.
    timeout_seconds: float = 0.0
    statvfs: Callable[[str], Statvfs] = os.statvfs
    # Addresses of the APIs of Docker and Podman, such as unix:///run/docker.sock and tcp://127.0.0.1:2375.
    container_api: tuple[str, ...] = ()
