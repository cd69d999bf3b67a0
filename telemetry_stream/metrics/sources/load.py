"""Load averages and what runs, from /proc/loadavg and /proc/stat (metrics.md 2; kernel: kernel/sched/loadavg.c).

Specimen: ``0.20 0.18 0.12 1/80 11206``: the averages, runnable/all threads, the last pid. Load counts runnable and
uninterruptible tasks, moves every 5 s, is no percentage, and in a container it is the host's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import rates
from ..files import Files, ParseError, parser
from ..source import Now
from . import kernel_stat


@dataclass(slots=True)
class Load:
    """Threads where it says threads: not the counts by process state of the section processes."""

    avg1: float
    avg5: float
    avg15: float
    avg1_per_cpu: float | None  # divided by the cores that are online
    runnable_threads: int | None
    total_threads: int | None
    procs_running: int | None  # runnable threads
    procs_blocked: int | None  # tasks in iowait


@dataclass(slots=True)
class Loadavg:
    """One /proc/loadavg."""

    avg1: float
    avg5: float
    avg15: float
    runnable_threads: int | None = None
    total_threads: int | None = None


@parser
def parse(content: bytes) -> Loadavg:
    """/proc/loadavg, whole."""
    if b"-" in content:
        raise ParseError("negative number", line=1)
    words = content.split()
    averages = float(words[0]), float(words[1]), float(words[2])
    if not all(map(math.isfinite, averages)):
        raise ParseError("an average is not a number", line=1)
    if len(words) < 4:
        return Loadavg(*averages)
    runnable, threads = words[3].split(b"/")
    return Loadavg(*averages, int(runnable), int(threads))


def record(loadavg: Loadavg, stat: kernel_stat.KernelStat | None) -> Load:
    """The section out of both files."""
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
        """Raises OSError or ParseError where /proc/loadavg cannot be had; without /proc/stat its fields are None."""
        loadavg = self._loadavg.read(now)
        try:
            stat = self._stat.read(now)
        except (OSError, ParseError):  # the section cpu says so already
            stat = None
        return record(loadavg, stat)
