"""Load averages from /proc/loadavg, and the tasks that run from there and /proc/stat (kernel/sched/loadavg.c).

    0.20 0.18 0.12 1/80 11206     the three averages, runnable/all threads, the newest pid

The load counts tasks that are runnable or wait uninterruptibly. The kernel updates it every 5 s. It is not a
percentage, and in a container it is that of the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..files import Files, ParseError, parser
from ..section import Field, Section
from ..setup import Setup
from ..source import Now, Source
from . import kernel_stat


@dataclass(slots=True)
class Load:
    """The counts are of threads; the section ``processes`` counts processes by their state."""

    avg1: Annotated[
        float | None,
        Field(
            "Tasks that run, wait to run or wait uninterruptibly, averaged over 1 min. Updated every 5 s.",
            unit="tasks",
            title="1 min",
        ),
    ]
    avg5: Annotated[
        float | None, Field("The load, averaged over 5 min.", unit="tasks", title="5 min")
    ]
    avg15: Annotated[
        float | None, Field("The load, averaged over 15 min.", unit="tasks", title="15 min")
    ]
    avg1_per_cpu: Annotated[
        float | None,
        Field(
            "avg1 divided by the online cores. Below 1, no task has to wait for a core for long.",
            unit="tasks",
            title="per core",
        ),
    ]
    runnable_threads: Annotated[
        int | None, Field("Threads that run or wait to run.", unit="threads")
    ]
    total_threads: Annotated[int | None, Field("All threads.", unit="threads")]
    procs_running: Annotated[
        int | None,
        Field(
            "Threads that run or wait to run, from /proc/stat. Null if it cannot be read.",
            unit="threads",
            title="running",
        ),
    ]
    procs_blocked: Annotated[
        int | None,
        Field(
            "Tasks that wait for a disk. Null if /proc/stat cannot be read, or has a sum below 0.",
            unit="tasks",
            title="blocked",
        ),
    ]


@dataclass(slots=True)
class Loadavg:
    """The content of /proc/loadavg. None: not a number that a kernel can have."""

    avg1: float | None
    avg5: float | None
    avg15: float | None
    runnable_threads: int | None = None
    total_threads: int | None = None


@parser
def parse(content: bytes) -> Loadavg:
    """Parse /proc/loadavg. Raises ParseError only if it has no average."""
    words = content.split()
    if len(words) < 3:
        raise ParseError("three averages expected")
    averages = maybe_average(words[0]), maybe_average(words[1]), maybe_average(words[2])
    if averages == (None, None, None):
        raise ParseError("no average")
    runnable, _, threads = words[3].partition(b"/") if len(words) > 3 else (b"", b"", b"")
    return Loadavg(
        *averages,
        counters.maybe_count(runnable, counters.MOST_TASKS),
        counters.maybe_count(threads, counters.MOST_TASKS),
    )


def maybe_average(word: bytes) -> float | None:
    """Return an average, or None if the word is not a number. It counts tasks, and cannot exceed their number."""
    try:
        average = float(word)
    except ValueError:
        return None
    return average if 0 <= average <= counters.MOST_TASKS else None


UNKNOWN = Loadavg(None, None, None)


def record(loadavg: Loadavg, stat: kernel_stat.KernelStat | None) -> Load:
    """Return the section from both files."""
    return Load(
        loadavg.avg1,
        loadavg.avg5,
        loadavg.avg15,
        rates.quotient(loadavg.avg1, len(stat.cores)) if stat else None,
        loadavg.runnable_threads,
        loadavg.total_threads,
        stat.procs_running if stat else None,
        stat.procs_blocked if stat else None,
    )


class LoadSource:
    """Section ``load``."""

    name = "load"

    def __init__(self, files: Files) -> None:
        self._loadavg = files.proc("loadavg", parse)
        self._stat = files.proc("stat", kernel_stat.parse)

    def collect(self, now: Now) -> Load:
        """Without one of the files, its fields are None. Raises OSError or ParseError if neither has one."""
        stat = self._stat.maybe_read(now)  # The section cpu reports its errors.
        try:
            loadavg = self._loadavg.read(now)
        except (OSError, ParseError):
            if stat is None or (stat.procs_running is None and stat.procs_blocked is None):
                raise
            loadavg = UNKNOWN
        return record(loadavg, stat)


SECTIONS = (
    Section(
        LoadSource,
        Load,
        title="Load",
        text="Threads that run, wait to run or wait for a disk, averaged over 1, 5 and 15 minutes. Not a percentage: "
        "compare it with the number of cores.",
        files="/proc/loadavg, /proc/stat",
        prometheus="telemetry_stream_load",
        nulls="A number that is negative, or more than a kernel can have tasks, is null.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (LoadSource(setup.files),)
