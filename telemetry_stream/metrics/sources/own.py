"""The section ``self``: what this program costs and does. (The module is not called self, which every method has.)

CPU comes from the process clock, finer than the ticks of /proc/self/stat; threads and resident memory from
/proc/self/stat. What only other parts know (viewers, frames, lateness) comes through plain callables.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .. import rates
from ..files import Files, ParseError, parser
from ..source import Now
from ..units import PAGE_BYTES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SelfStats:
    """Where the numbers of other parts are asked for; what nobody gives is null."""

    viewers: Callable[[], int] | None = None
    frames_sent: Callable[[], int] | None = None
    frames_dropped: Callable[[], int] | None = None
    frames_refused: Callable[[], int] | None = None
    tick_lateness_seconds: Callable[[], float | None] | None = None
    ticks_missed: Callable[[], int] | None = None
    cpu_seconds: Callable[[], float] = time.process_time


@dataclass(slots=True)
class Own:
    """This process. Counts are since it started; 100 percent is one core."""

    cpu_percent: float | None
    memory_rss_bytes: int | None
    threads: int | None
    viewers: int | None
    frames_sent: int | None
    frames_dropped: int | None
    frames_refused: int | None
    tick_lateness_seconds: float | None
    ticks_missed: int | None


@parser
def parse(content: bytes) -> tuple[int, int]:
    """Threads (field 20) and resident bytes (field 24) of /proc/PID/stat; comm ends at the last parenthesis."""
    fields = content[content.rindex(b")") + 1 :].split()
    threads, pages = int(fields[17]), int(fields[21])
    if threads < 0 or pages < 0:
        raise ParseError("negative number")
    return threads, pages * PAGE_BYTES


class SelfSource:
    """Section ``self``."""

    name = "self"

    def __init__(self, files: Files, stats: SelfStats) -> None:
        self._files = files
        self._stat = files.proc("self/stat", parse)
        self._stats = stats
        self._previous: rates.Previous[str, float] = rates.Previous()

    def collect(self, now: Now) -> Own:
        """Raises OSError or ParseError where self/stat cannot be had."""
        return self.record(*self._stat.read(now))

    def record(self, threads: int, rss: int) -> Own:
        """The section, with what was found out about the process."""
        stats = self._stats
        used = stats.cpu_seconds()
        before, seconds = self._previous.exchange({"cpu": used}, self._files.clock.monotonic())
        then = before.get("cpu")
        lateness = _ask(stats.tick_lateness_seconds)
        return Own(
            cpu_percent=None if then is None else rates.unbounded_percent(used - then, seconds),
            memory_rss_bytes=rss,
            threads=threads,
            viewers=_ask(stats.viewers),
            frames_sent=_ask(stats.frames_sent),
            frames_dropped=_ask(stats.frames_dropped),
            frames_refused=_ask(stats.frames_refused),
            tick_lateness_seconds=None if lateness is None else round(lateness, 6),
            ticks_missed=_ask(stats.ticks_missed),
        )


def _ask(question: Callable[[], T] | None) -> T | None:
    return None if question is None else question()
