"""Processes: how many in which state, and who uses most (metrics.md 9). process_table.py reads them.

CPU: 100 percent is one core (top's Irix mode). Memory is resident, shared pages in full, so the sum may exceed what
there is. Processes that live between two ticks only are not seen. This section is dear: it is collected only while
somebody wants it.
"""

from __future__ import annotations

import heapq
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .. import rates
from ..attributes import maybe_read_once
from ..files import Files, ParseError
from ..source import Now
from ..units import CLK_TCK, PAGE_BYTES
from . import kernel_stat, memory, mounts
from .mounts import Mount
from .process_table import ProcessTable, Row

PASSWD_SECONDS = 60.0
SHOWS_ALL = ("hidepid=0", "hidepid=off")
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

    running: int = 0
    sleeping: int = 0
    disk_sleep: int = 0
    stopped: int = 0
    zombie: int = 0
    idle: int = 0
    other: int = 0


@dataclass(slots=True)
class Process:
    """One process; 100 percent of CPU is one core, shared memory counts in full."""

    pid: int
    name: str
    user: str | None
    state: str  # the kernel's letter
    cpu_percent: float | None
    cpu_percent_of_host: float | None
    memory_rss_bytes: int
    memory_percent: float | None
    threads: int
    started_at: float | None  # Unix time: only to show, never an identity


@dataclass(slots=True)
class Processes:
    """All that this mount of /proc shows; ``top`` are those with most CPU and those with most memory."""

    total: int
    by_state: ProcessStates
    visibility: str  # "full", or "partial" where a mount option hides those of others
    top: tuple[Process, ...]


class Users:
    """Names of user ids from the host's own passwd file: NSS may ask a directory server, and that may block."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._names: dict[int, str] = {}
        self._look_at = -math.inf

    def name(self, uid: int, now: Now) -> str:
        """The name, or the number where the file does not know it."""
        if now.monotonic >= self._look_at:
            self._look_at = now.monotonic + PASSWD_SECONDS
            self._names = parse_passwd(maybe_read_once(self._path) or b"")
        return self._names.get(uid) or str(uid)


def parse_passwd(content: bytes) -> dict[int, str]:
    """``name:x:uid:...`` lines; the first name of a uid is its name. Other lines are left out."""
    names: dict[int, str] = {}
    for line in content.split(b"\n"):
        words = line.split(b":")
        if len(words) > 2 and words[2].isdigit():
            names.setdefault(int(words[2]), words[0].decode("utf-8", "replace"))
    return names


def is_partial(all_mounts: Iterable[Mount], *, privileged: bool) -> bool:
    """Whether /proc is mounted so that it hides the processes of others, or the files of the system."""
    on_top = {mount.mountpoint: mount for mount in all_mounts if mount.fstype == "proc"}
    proc = on_top.get("/proc")
    if proc is None:
        return False
    words = proc.options.split(",")
    hides = any(word.startswith("hidepid=") and word not in SHOWS_ALL for word in words)
    return "subset=pid" in words or (hides and not privileged)


class Table(Protocol):
    """Where the rows come from."""

    listed: int
    hidden: int

    def read(self, before_ticks: float) -> dict[int, Row]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What the shares of a process are shares of."""

    cores: int | None
    total_bytes: int | None
    boot_time_unix: float | None


class ProcessesSource:
    """Section ``processes``: dear, so collected only while it is wanted."""

    name = "processes"

    def __init__(
        self, files: Files, *, rows: int | None = None, table: Table | None = None
    ) -> None:
        """``rows`` by CPU and as many by memory are shown; None shows all."""
        self._files = files
        self._shown = rows
        self._table: Table = table or ProcessTable(files.proc_root)
        self._stat = files.proc("stat", kernel_stat.parse)
        self._meminfo = files.proc("meminfo", memory.parse)
        self._mounts = files.mountinfo(mounts.parse)
        root = "" if files.is_system else os.path.join(files.proc_root, "1", "root")
        self._users = Users(f"{root}/etc/passwd")
        self._before: tuple[float, float] | None = None  # monotonic, boottime of the reading before
        self._mounted_partially: bool | None = None

    def collect(self, now: Now) -> Processes | None:
        """None where nothing is listed. Raises OSError where proc_root cannot be listed."""
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
        """Forget everybody: whoever wants the section again gets a first sight."""
        self._table.close()
        self._before = None
        self._mounted_partially = None

    def _is_mounted_partially(self, now: Now) -> bool:
        if self._mounted_partially is None:
            try:
                table = self._mounts.read(now)
            except (OSError, ParseError):  # the section filesystems says so already
                return False
            privileged = self._files.is_system and os.geteuid() == 0
            self._mounted_partially = is_partial(table, privileged=privileged)
        return self._mounted_partially

    def _facts(self, now: Now) -> Facts:
        try:
            stat = self._stat.read(now)
            total_bytes = self._meminfo.read(now)["MemTotal"]
        except (OSError, ParseError):  # the sections cpu and memory say so already
            return Facts(None, None, None)
        return Facts(len(stat.cores), total_bytes, stat.boot_time_unix)

    def _maybe_user(self, pid: int, now: Now) -> str | None:
        """Whose it is. The directory tells even of a process that is not dumpable, whose files are root's."""
        try:
            uid = os.stat(f"{self._files.proc_root}/{pid}").st_uid
        except OSError:  # it has just ended
            return None
        return self._users.name(uid, now)


def process(pid: int, row: Row, user: str | None, facts: Facts, seconds: float | None) -> Process:
    """One row of the section."""
    used = None if row.used is None else row.used / CLK_TCK
    rss = row.rss * PAGE_BYTES
    boot, cores = facts.boot_time_unix, facts.cores
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
        started_at=None if boot is None else round(boot + row.starttime / CLK_TCK, 2),
    )


def count_states(rows: Iterable[Row]) -> ProcessStates:
    """How many rows are in each state."""
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
    """The pids to show: those with most CPU, then those with most memory; each once."""

    def cpu(pid: int) -> tuple[int, int]:
        row = table[pid]
        return (row.used or 0, row.rss)

    if shown is None:
        return sorted(table, key=cpu, reverse=True)
    busy = heapq.nlargest(shown, [pid for pid, row in table.items() if row.used], key=cpu)
    large = heapq.nlargest(shown, table, key=lambda pid: table[pid].rss)
    return list(dict.fromkeys(busy + large))
