"""Processes: how many are in which state, and which use most CPU and memory. process_table.py reads them.

100 percent of CPU is one core (the Irix mode of top). Memory is resident memory with shared pages in full, so the
sum may exceed the memory of the host. A process that begins and ends between two ticks is not counted. The section is
on demand, because it costs more than all others together.
"""

from __future__ import annotations

import heapq
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from .. import counters, rates
from ..files import Files, ParseError
from ..section import Field, Part, Section
from ..setup import Setup
from ..source import Now, Source
from ..units import CLK_TCK, PAGE_BYTES
from . import kernel_stat, mounts
from .cpu import MARGIN_SHARE, MARGIN_TICKS
from .meminfo import parse_meminfo
from .mounts import Mount
from .passwd import Users
from .process_table import ProcessTable, Row
from .system import BOOT_SECONDS, maybe_boot_time

# More cores than a kernel supports (NR_CPUS_RANGE_END of x86 and arm64).
MOST_CORES = 8192
NOT_HIDING = ("hidepid=0", "hidepid=off")
STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "disk_sleep",
    "T": "stopped",
    "t": "stopped",
    "Z": "zombie",
    "I": "idle",
}


@dataclass(slots=True)
class ProcessStates:
    """How many processes are in each state."""

    running: Annotated[int, "R: running, or waiting for a core."] = 0
    sleeping: Annotated[int, "S: waiting for an event."] = 0
    disk_sleep: Annotated[int, "D: waiting without being interruptible, mostly for a disk."] = 0
    stopped: Annotated[int, "T and t: stopped by a signal or a debugger."] = 0
    zombie: Annotated[int, "Z: ended, but its parent has not waited for it."] = 0
    idle: Annotated[int, "I: kernel threads that have nothing to do."] = 0
    other: Annotated[int, "Any other state."] = 0


@dataclass(slots=True)
class Process:
    """One process."""

    pid: Annotated[int, Field("The process number.", unit="number", is_identity=True)]
    name: Annotated[str, Field("The kernel's name, of at most 15 bytes.", is_identity=True)]
    user: Annotated[
        str | None,
        "The owner, by the host's own passwd file, or else the number. Null if the process has just ended.",
    ]
    state: Annotated[
        str,
        "The kernel's letter. R runs, S sleeps, D waits for a disk and cannot be killed, T is stopped, Z has ended and "
        "its parent has not waited for it, I is an idle kernel thread.",
    ]
    cpu_percent: Annotated[
        float | None,
        "Time on a core since the sample before, of all threads together, without children. 100 is one core.",
    ]
    cpu_percent_of_host: Annotated[
        float | None, Field("cpu_percent divided by the online cores.", title="cpu of host")
    ]
    memory_rss_bytes: Annotated[
        int | None,
        Field(
            "Resident memory. Shared pages count in full, so the sum may exceed the memory of the host. Null if it "
            "alone exceeds it.",
            title="memory",
        ),
    ]
    memory_percent: Annotated[float | None, "100 × resident / total memory."]
    threads: Annotated[int | None, Field("Number of threads.", unit="threads")]
    started_at: Annotated[
        float | None,
        Field(
            "When it began. Changes if the system time is set. Null if /proc/stat shows another boot than that of the "
            "kernel (lxcfs), or if it is in the future.",
            unit="seconds since 1970",
        ),
    ]


@dataclass(slots=True)
class Processes:
    """The processes that this mount of /proc shows."""

    total: Annotated[int, Field("Processes that this /proc lists.", prometheus="node_processes")]
    by_state: Annotated[
        ProcessStates,
        Part(
            text="Processes by state.",
            prometheus="node_processes_by_state",
            label="state",
            unit="processes",
        ),
    ]
    visibility: Annotated[
        str, "full, or partial if a mount option of /proc hides the processes of other users."
    ]
    top: Annotated[
        tuple[Process, ...],
        # Not on the Prometheus page: with pids as labels, the number of series would grow without end.
        Part(
            text="The processes with most CPU and those with most memory.",
            nulls="CPU is null in the first sample that has a process, unless the process began after the sample "
            "before, and if it is more than all cores have.",
        ),
    ]


def is_partial(all_mounts: Iterable[Mount], *, privileged: bool) -> bool:
    """Return whether /proc is mounted so that it hides the processes of other users, or system files."""
    on_top = {mount.mountpoint: mount for mount in all_mounts if mount.fstype == "proc"}
    proc = on_top.get("/proc")
    if proc is None:
        return False
    words = proc.options.split(",")
    hides = any(word.startswith("hidepid=") and word not in NOT_HIDING for word in words)
    return "subset=pid" in words or (hides and not privileged)


class Table(Protocol):
    """A source of the rows."""

    listed: int
    hidden: int

    def read(self, before_ticks: float) -> dict[int, Row]: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class Facts:
    """What the figures of a process are relative to. None: unknown."""

    cores: int | None
    total_bytes: int | None
    boot_time_unix: float | None
    boottime: float | None = None  # now, in seconds since boot


class ProcessesSource:
    """Section ``processes``."""

    name = "processes"
    on_demand = True

    def __init__(
        self, files: Files, *, rows: int | None = None, table: Table | None = None
    ) -> None:
        """``rows`` processes by CPU and as many by memory are shown; None: all."""
        self._files = files
        self._shown = rows
        self._table: Table = table or ProcessTable(files.proc_root)
        self._stat = files.proc("stat", kernel_stat.parse)
        self._meminfo = files.proc("meminfo", parse_meminfo)
        self._mounts = files.mountinfo(mounts.parse)
        root = "" if files.is_system else os.path.join(files.proc_root, "1", "root")
        self._users = Users(f"{root}/etc/passwd")
        self._before: tuple[float, float] | None = (
            None  # monotonic and boottime of the reading before
        )
        self._mounted_partially: bool | None = None

    def collect(self, now: Now) -> Processes | None:
        """Return None if no process is listed. Raises OSError if proc_root cannot be listed."""
        clock = self._files.clock
        at, boottime = clock.monotonic(), clock.boottime()
        before, self._before = self._before, (at, boottime)
        table = self._table.read(math.inf if before is None else before[1] * CLK_TCK)
        if not table and not self._table.hidden:
            return None
        seconds = None if before is None or at <= before[0] else at - before[0]
        partial = self._table.hidden > 0 or self._is_mounted_partially(now)
        facts = self._facts(now)
        return Processes(
            total=self._table.listed,
            by_state=count_states(table.values()),
            visibility="partial" if partial else "full",
            top=tuple(
                process(pid, table[pid], self._maybe_user(pid, now), facts, seconds)
                for pid in choose(table, self._shown)
            ),
        )

    def close(self) -> None:
        """Close the descriptors and forget all processes. The next sample is a first one."""
        self._table.close()
        self._before = None
        self._mounted_partially = None

    def _is_mounted_partially(self, now: Now) -> bool:
        if self._mounted_partially is None:
            try:
                table = self._mounts.read(now)
            except (OSError, ParseError):  # The section filesystems reports it.
                return False
            privileged = self._files.is_system and os.geteuid() == 0
            self._mounted_partially = is_partial(table, privileged=privileged)
        return self._mounted_partially

    def _facts(self, now: Now) -> Facts:
        stat = self._stat.maybe_read(now)  # The sections cpu and memory report errors.
        meminfo = self._meminfo.maybe_read(now)
        return Facts(
            None if stat is None else len(stat.cores),
            None if meminfo is None else meminfo.get("MemTotal"),
            None if stat is None else maybe_boot_time(stat.boot_time_unix, now.boottime, now),
            now.boottime,
        )

    def _maybe_user(self, pid: int, now: Now) -> str | None:
        """Return the owner. The directory has it even if the process is not dumpable and root owns its files."""
        try:
            uid = os.stat(f"{self._files.proc_root}/{pid}").st_uid
        except OSError:  # It has just ended.
            return None
        return self._users.name(uid, now)


def process(pid: int, row: Row, user: str | None, facts: Facts, seconds: float | None) -> Process:
    """Return one row of the section."""
    boot, cores = facts.boot_time_unix, facts.cores
    used = None if row.used is None else row.used / CLK_TCK
    # All its threads together cannot use more than all cores.
    if used is not None and seconds is not None:
        most = MARGIN_SHARE * seconds * (cores or MOST_CORES) + MARGIN_TICKS / CLK_TCK
        used = None if used > most else used
    # A page that a process maps several times counts each time, so that the count may exceed the memory.
    rss = None if row.rss is None else counters.at_most(row.rss * PAGE_BYTES, facts.total_bytes)
    started = row.starttime / CLK_TCK
    if facts.boottime is not None and started > facts.boottime + BOOT_SECONDS:
        boot = None  # Nothing began in the future.
    return Process(
        pid=pid,
        name=row.comm.decode("utf-8", "replace"),
        user=user,
        state=row.state,
        cpu_percent=rates.unbounded_percent(used, seconds),
        cpu_percent_of_host=(
            None if cores is None or seconds is None else rates.percent(used, seconds * cores)
        ),
        memory_rss_bytes=rss,
        memory_percent=rates.percent(rss, facts.total_bytes),
        threads=row.threads,
        started_at=None if boot is None else round(boot + started, 2),
    )


def count_states(rows: Iterable[Row]) -> ProcessStates:
    """Return how many rows are in each state."""
    counts = dict.fromkeys(STATES.values(), 0)
    other = 0
    for letter, count in Counter([row.state for row in rows]).items():
        name = STATES.get(letter)
        if name is None:
            other += count
        else:
            counts[name] += count
    return ProcessStates(**counts, other=other)


def choose(table: Mapping[int, Row], shown: int | None) -> list[int]:
    """Return the pids to show: those with most CPU, then those with most memory, each once."""

    def cpu(pid: int) -> tuple[int, int]:
        row = table[pid]
        return (row.used or 0, row.rss or 0)

    if shown is None:
        return sorted(table, key=cpu, reverse=True)
    busy = heapq.nlargest(shown, [pid for pid, row in table.items() if row.used], key=cpu)
    large = heapq.nlargest(shown, table, key=lambda pid: table[pid].rss or 0)
    return list(dict.fromkeys(busy + large))


SECTIONS = (
    Section(
        ProcessesSource,
        Processes,
        title="Processes",
        text="The processes that use most CPU and most memory. 100 % is one core. Shared pages count in full in each.",
        files="/proc/PID/stat",
        prometheus="node_processes",
        unit="processes",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (ProcessesSource(setup.files, rows=setup.options.process_rows),)
