"""Processes: how many are in which state, and which use most CPU and memory. process_table.py reads them.

A process that begins and ends between two ticks is not counted. The section is on demand, because it costs more than
all others together.
"""

from __future__ import annotations

import heapq
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from ..files import Files, ParseError
from ..section import Field, Part, Section
from ..setup import Setup
from ..source import Now, Source
from ..units import CLK_TCK
from . import kernel_stat, mounts
from .meminfo import parse_meminfo
from .mounts import Mount
from .passwd import Users, maybe_owner
from .process_details import ProcessDetails
from .process_list import ProcessList
from .process_record import Facts, Process, add_detail, process
from .process_table import ProcessTable, Row
from .system import maybe_boot_time

# The details of so many processes are kept that are not shown any more.
MOST_KEPT = 64
# How long a request for a page of all processes waits for their details.
LIST_SECONDS = 0.5
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

    running: Annotated[
        int,
        "R: running, or waiting for a core. One that was woken may count as sleeping until it gets one.",
    ] = 0
    sleeping: Annotated[int, "S: waiting for an event."] = 0
    disk_sleep: Annotated[int, "D: waiting without being interruptible, mostly for a disk."] = 0
    stopped: Annotated[int, "T and t: stopped by a signal or a debugger."] = 0
    zombie: Annotated[int, "Z: ended, but its parent has not waited for it."] = 0
    idle: Annotated[int, "I: kernel threads that have nothing to do."] = 0
    other: Annotated[int, "Any other state."] = 0


@dataclass(slots=True)
class Processes:
    """The processes that this mount of /proc shows."""

    total: Annotated[
        int, Field("Processes that this /proc lists.", prometheus="telemetry_stream_processes")
    ]
    by_state: Annotated[
        ProcessStates,
        Part(
            text="Processes by state.",
            prometheus="telemetry_stream_processes_by_state",
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

    def read(self, before_ticks: float, forks: int | None = None) -> dict[int, Row]: ...
    def close(self) -> None: ...


class ProcessesSource:
    """Section ``processes``."""

    name = "processes"
    on_demand = True

    def __init__(
        self,
        files: Files,
        *,
        rows: int | None = None,
        table: Table | None = None,
        details: ProcessDetails | None = None,
        all_processes: ProcessList | None = None,
        timeout_seconds: float = 0.0,
    ) -> None:
        """``rows`` processes by CPU and as many by memory are shown; None: all.

        ``details`` reads what they show beside their stat. ``all_processes`` gets each reading, and has the names of
        users. Without it, the first reading waits for them for at most ``timeout_seconds``.
        """
        self._files = files
        self._shown = rows
        self._details = details
        self.all_processes = all_processes
        self._table: Table = table or ProcessTable(files.proc_root)
        self._stat = files.proc("stat", kernel_stat.parse)
        self._meminfo = files.proc("meminfo", parse_meminfo)
        self._mounts = files.mountinfo(mounts.parse)
        self._users = (
            host_users(files, timeout_seconds=timeout_seconds)
            if all_processes is None
            else all_processes.users
        )
        # Monotonic and boottime of the reading before.
        self._before: tuple[float, float] | None = None
        self._mounted_partially: bool | None = None

    def collect(self, now: Now) -> Processes | None:
        """Return None if no process is listed. Raises OSError if proc_root cannot be listed."""
        clock = self._files.clock
        at, boottime = clock.monotonic(), clock.boottime()
        before, self._before = self._before, (at, boottime)
        if self.all_processes is not None:
            self.all_processes.withdraw()
        self._users.refresh(now)
        before_ticks = math.inf if before is None else before[1] * CLK_TCK
        table = self._table.read(before_ticks, self._maybe_forks(now))
        if not table and not self._table.hidden:
            return None
        seconds = None if before is None or at <= before[0] else at - before[0]
        partial = self._table.hidden > 0 or self._is_mounted_partially(now)
        facts = self._facts(now)
        if self.all_processes is not None:
            self.all_processes.publish(table, self._table.listed, facts, seconds)
        return Processes(
            total=self._table.listed,
            by_state=count_states(table.values()),
            visibility="partial" if partial else "full",
            top=self._top(table, facts, seconds),
        )

    def _top(
        self, table: Mapping[int, Row], facts: Facts, seconds: float | None
    ) -> tuple[Process, ...]:
        pids = choose(table, self._shown)
        records = tuple(
            process(pid, table[pid], self._maybe_user(pid, table[pid]), facts, seconds)
            for pid in pids
        )
        if self._details is not None:
            running = {(pid, table[pid].starttime): table[pid] for pid in pids}
            details = self._details.update(running, running)
            for record, key in zip(records, running, strict=True):
                add_detail(record, details[key])
        return records

    def close(self) -> None:
        """Close the descriptors and forget all processes. The next sample is a first one."""
        if self.all_processes is not None:
            self.all_processes.close()
        if self._details is not None:
            self._details.close()
        self._users.close()
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

    def _maybe_forks(self, now: Now) -> int | None:
        """Return how many processes have begun; None if one could also appear because it changes its user."""
        stat = self._stat.maybe_read(now)
        return None if stat is None or self._is_mounted_partially(now) else stat.forks

    def _facts(self, now: Now) -> Facts:
        stat = self._stat.maybe_read(now)  # The sections cpu and memory report errors.
        meminfo = self._meminfo.maybe_read(now)
        return Facts(
            None if stat is None else len(stat.cores),
            None if meminfo is None else meminfo.get("MemTotal"),
            None if stat is None else maybe_boot_time(stat.boot_time_unix, now.boottime, now),
            now.boottime,
        )

    def _maybe_user(self, pid: int, row: Row) -> str | None:
        if row.uid is None:
            row.uid = maybe_owner(f"{self._files.proc_root}/{pid}")
        return None if row.uid is None else self._users.name(row.uid)


def host_users(files: Files, *, timeout_seconds: float = 0.0) -> Users:
    """Return the users of the host that proc_root shows."""
    path = os.path.join(files.host_root, "etc/passwd")
    return Users(path, files.clock, timeout_seconds=timeout_seconds)


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
        prometheus="telemetry_stream_processes",
        unit="processes",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    files, options = setup.files, setup.options

    def details(name: str, timeout_seconds: float, most_kept: int = 0) -> ProcessDetails:
        return ProcessDetails(
            files.proc_root,
            files.clock,
            name,
            arguments=options.process_arguments,
            most_kept=most_kept,
            timeout_seconds=timeout_seconds,
        )

    users = host_users(files, timeout_seconds=options.timeout_seconds)
    # Requests have workers of their own: a process that hangs there does not delay those that are shown.
    all_processes = ProcessList(
        files.proc_root, users, details("ts-proc-list", LIST_SECONDS), files.clock
    )
    source = ProcessesSource(
        files,
        rows=options.process_rows,
        details=details("ts-process", options.timeout_seconds, MOST_KEPT),
        all_processes=all_processes,
    )
    return (source,)
