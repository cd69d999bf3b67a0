"""The section ``self``: what this program costs and does. (``self`` would be a confusing name of a module.)

CPU time comes from the process clock, which is finer than the ticks of /proc/self/stat. Threads and resident memory
come from /proc/self/stat. Figures that only other parts of the program know come through the functions of SelfStats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from .. import counters, rates
from ..files import Files, parser
from ..section import Field, Section
from ..setup import SelfStats, Setup
from ..source import Now, Source
from ..units import PAGE_BYTES

T = TypeVar("T")


@dataclass(slots=True)
class Own:
    """This process. Counts are since its start."""

    cpu_percent: Annotated[
        float | None, Field("CPU time of this program. 100 is one core.", title="own cpu")
    ]
    memory_rss_bytes: Annotated[
        int | None, Field("Resident memory of this program.", title="own memory")
    ]
    threads: Annotated[int | None, Field("Threads of this program.", unit="threads")]
    viewers: Annotated[int | None, Field("Viewers that are connected now.", unit="viewers")]
    frames_sent: Annotated[
        int | None,
        Field("Frames that viewers took, since the start.", unit="frames", is_counter=True),
    ]
    frames_dropped: Annotated[
        int | None,
        Field(
            "Frames that a viewer did not take in time, since the start.",
            unit="frames",
            is_counter=True,
        ),
    ]
    frames_refused: Annotated[
        int | None,
        Field(
            "Frames that the hub refused because its inbox was full, since the start.",
            unit="frames",
            is_counter=True,
        ),
    ]
    sends_batched: Annotated[
        bool | None,
        "Whether one system call sends a frame to many viewers (io_uring). Unknown before the first frame for 24 "
        "viewers without TLS. False if that found it unavailable, or it has failed; then the log has the reason.",
    ]
    tick_lateness_seconds: Annotated[
        float | None, "How long after its deadline the newest tick began."
    ]
    ticks_missed: Annotated[
        int | None,
        Field(
            "Deadlines that passed while a tick was still running, since the start.",
            unit="ticks",
            is_counter=True,
        ),
    ]


@parser
def parse(content: bytes) -> tuple[int | None, int | None]:
    """Return threads (field 20) and resident bytes (field 24) of /proc/PID/stat. comm ends at the last parenthesis.

    None: not a count, or more memory than a machine has.
    """
    fields = content[content.rindex(b")") + 1 :].split()
    threads = counters.maybe_count(fields[17], counters.MOST_TASKS)
    pages = counters.maybe_count(fields[21], counters.MOST_MEMORY_BYTES // PAGE_BYTES)
    return threads, None if pages is None else pages * PAGE_BYTES


class SelfSource:
    """Section ``self``."""

    name = "self"

    def __init__(self, files: Files, stats: SelfStats) -> None:
        self._files = files
        self._stat = files.proc("self/stat", parse)
        self._stats = stats
        self._previous: rates.Previous[str, float] = rates.Previous()

    def collect(self, now: Now) -> Own:
        """Raises OSError or ParseError if self/stat is unavailable."""
        return self.record(*self._stat.read(now))

    def record(self, threads: int | None, rss: int | None) -> Own:
        """Return the section, with the threads and the resident bytes of this process."""
        stats = self._stats
        used = stats.cpu_seconds()
        before, seconds = self._previous.exchange({"cpu": used}, self._files.clock.monotonic())
        used_before = before.get("cpu")
        lateness = _maybe_call(stats.tick_lateness_seconds)
        return Own(
            cpu_percent=(
                None
                if used_before is None
                else rates.unbounded_percent(used - used_before, seconds)
            ),
            memory_rss_bytes=rss,
            threads=threads,
            viewers=_maybe_call(stats.viewers),
            frames_sent=_maybe_call(stats.frames_sent),
            frames_dropped=_maybe_call(stats.frames_dropped),
            frames_refused=_maybe_call(stats.frames_refused),
            sends_batched=_maybe_call(stats.is_batched),
            tick_lateness_seconds=None if lateness is None else round(lateness, 6),
            ticks_missed=_maybe_call(stats.ticks_missed),
        )


def _maybe_call(function: Callable[[], T] | None) -> T | None:
    return None if function is None else function()


SECTIONS = (
    Section(
        SelfSource,
        Own,
        title="This program",
        text="What this program costs the host, and what it sends.",
        files="/proc/self/stat and the program itself",
        prometheus="telemetry_stream_self",
        nulls="`viewers` and all fields after it are null if another program uses the collector alone.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (SelfSource(setup.files, setup.self_stats),)
