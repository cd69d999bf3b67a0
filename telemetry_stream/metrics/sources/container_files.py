"""The files of a container's control group, version 2 or 1 (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/).

Strategy: the CPU time is read at each tick through an open descriptor. Everything else is opened, read and closed in
turns (containers.py): the kernel needs longer for memory.stat than for all other files of a group.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from .. import counters
from ..attributes import BUFFER_BYTES, Attribute, Budget
from ..files import ParseError
from .block_device import classify
from .cgroup import parse_cpu_max, parse_flat, parse_max

CPU_STAT_BYTES = 1024  # twelve lines at most today
# From here on, a limit of version 1 limits nothing: the largest number of pages in bytes.
V1_UNLIMITED = 1 << 60

INACTIVE_FILE = re.compile(rb"^inactive_file (\d+)$", re.MULTILINE)
# Of a pressure file: the time in which some task waited, in microseconds since the group was made.
SOME_TOTAL = re.compile(rb"^some avg10=.* total=(\d+)$", re.MULTILINE)

T = TypeVar("T")
# By disk or interface: the bytes read and written, or received and sent. A sum of them would leap with an interface
# that moves into the container.
Traffic = Mapping[str, tuple[int | None, int | None]]
# Whether the bytes of a device, as major:minor, count. What is made of other disks (dm, md) repeats their bytes.
Counts = Callable[[str], bool]


@dataclass(slots=True)
class Cpu:
    """CPU time, and periods of the CPU limit: in all, and in which the group was throttled. None: unknown."""

    used_us: int | None = None
    periods: int | None = None
    throttled: int | None = None


@dataclass(slots=True)
class Details:
    """Everything else of one container. None: unknown, or no limit."""

    cpu_limit_cores: float | None = None
    memory_bytes: int | None = None
    inactive_file_bytes: int | None = None
    memory_limit_bytes: int | None = None
    pids: int | None = None
    pids_limit: int | None = None
    disks: Traffic | None = None
    cpu_stall_us: int | None = None
    memory_stall_us: int | None = None
    io_stall_us: int | None = None
    interfaces: Traffic | None = None


class Group(Protocol):
    """The files of one container."""

    @property
    def was_replaced(self) -> bool:
        """Whether the files read last are those of another group than the first ones: the container was restarted."""

    def maybe_cpu(self) -> Cpu | None:
        """Return the CPU time, or None if its file cannot be read: the group may be gone."""

    def details(self, counts: Counts) -> Details: ...

    def close(self) -> None: ...


class GroupV2:
    """A group of the unified hierarchy."""

    def __init__(self, budget: Budget, root: str, path: str) -> None:
        self._directory = root + path
        self._stat = Attribute(budget, f"{self._directory}/cpu.stat", CPU_STAT_BYTES)
        self._content = b""
        self._cpu = Cpu()

    @property
    def was_replaced(self) -> bool:
        """Whether the group is another one than at first, as far as it is known."""
        return self._stat.was_replaced

    def maybe_cpu(self) -> Cpu | None:
        """Return the CPU time, or None if its file cannot be read: the group may be gone."""
        content = self._stat.maybe_read()
        if content is None:
            return None
        if content != self._content:
            self._content = content
            words = content.split()
            values = dict(zip(words[::2], words[1::2], strict=False))
            self._cpu = Cpu(*(_count(values.get(key)) for key in CPU_KEYS))
        return self._cpu

    def details(self, counts: Counts) -> Details:
        """Read all other files. A file that is missing or invalid loses its own values."""
        read = self._maybe_read
        io = read("io.stat")
        return Details(
            cpu_limit_cores=_maybe(parse_cpu_max, read("cpu.max")),
            memory_bytes=_count(
                (read("memory.current") or b"").strip(), counters.MOST_MEMORY_BYTES
            ),
            inactive_file_bytes=_found(INACTIVE_FILE, read("memory.stat")),
            memory_limit_bytes=_maybe(parse_max, read("memory.max")),
            pids=_count((read("pids.current") or b"").strip(), counters.MOST_TASKS),
            pids_limit=_maybe(parse_max, read("pids.max")),
            disks=None if io is None else parse_io(io, counts),
            cpu_stall_us=_found(SOME_TOTAL, read("cpu.pressure")),
            memory_stall_us=_found(SOME_TOTAL, read("memory.pressure")),
            io_stall_us=_found(SOME_TOTAL, read("io.pressure")),
        )

    def close(self) -> None:
        """Close the descriptor."""
        self._stat.close()

    def _maybe_read(self, name: str) -> bytes | None:
        return maybe_read(f"{self._directory}/{name}")


CPU_KEYS = (b"usage_usec", b"nr_periods", b"nr_throttled")


class GroupV1:
    """A group of version 1, which has the same path in each hierarchy. It has no pressure."""

    def __init__(self, budget: Budget, root: str, path: str) -> None:
        """``root`` is the directory of all hierarchies."""
        self._root, self._path = root, path
        self._usage = Attribute(budget, f"{root}/cpuacct{path}/cpuacct.usage", CPU_STAT_BYTES)
        self._stat = Attribute(budget, f"{root}/cpu{path}/cpu.stat", CPU_STAT_BYTES)

    @property
    def was_replaced(self) -> bool:
        """Whether the group is another one than at first, as far as it is known."""
        return self._usage.was_replaced or self._stat.was_replaced

    def maybe_cpu(self) -> Cpu | None:
        """Return the CPU time, or None if its file cannot be read: the group may be gone."""
        content = self._usage.maybe_read()
        if content is None:
            return None
        used_ns = _count(content.strip())
        stat = parse_flat(self._stat.maybe_read() or b"")
        return Cpu(
            None if used_ns is None else used_ns // 1000,
            stat.get("nr_periods"),
            stat.get("nr_throttled"),
        )

    def details(self, counts: Counts) -> Details:
        """Read all other files. A file that is missing or invalid loses its own values."""
        read = self._maybe_read
        stat = parse_flat(read("memory/memory.stat") or b"")
        limit = _count((read("memory/memory.limit_in_bytes") or b"").strip())
        io = read("blkio/blkio.throttle.io_service_bytes_recursive")  # since Linux 4.18
        if io is None:
            io = read("blkio/blkio.throttle.io_service_bytes")
        quota = (read("cpu/cpu.cfs_quota_us") or b"").strip()
        period = (read("cpu/cpu.cfs_period_us") or b"").strip()
        return Details(
            # -1 is no quota.
            cpu_limit_cores=_maybe(parse_cpu_max, quota + b" " + period)
            if quota.isdigit()
            else None,
            memory_bytes=_count(
                (read("memory/memory.usage_in_bytes") or b"").strip(), counters.MOST_MEMORY_BYTES
            ),
            inactive_file_bytes=stat.get("total_inactive_file", stat.get("inactive_file")),
            memory_limit_bytes=None if limit is None or limit >= V1_UNLIMITED else limit,
            pids=_count((read("pids/pids.current") or b"").strip(), counters.MOST_TASKS),
            pids_limit=_maybe(parse_max, read("pids/pids.max")),
            disks=None if io is None else parse_service_bytes(io, counts),
        )

    def close(self) -> None:
        """Close the descriptors."""
        self._usage.close()
        self._stat.close()

    def _maybe_read(self, name: str) -> bytes | None:
        hierarchy, _, file = name.partition("/")
        return maybe_read(f"{self._root}/{hierarchy}{self._path}/{file}")


def parse_io(content: bytes, counts: Counts) -> Traffic:
    """Return the bytes of each device of ``8:0 rbytes=1 wbytes=2 rios=3 ...``. None: it is not a count.

    A group that has done nothing has an empty file.
    """
    found = {}
    for line in content.split(b"\n"):
        words = line.split()
        number = words[0].decode("ascii", "replace") if len(words) > 1 else ""
        if number and counts(number):
            values = dict(word.partition(b"=")[::2] for word in words[1:])
            found[number] = (
                _count(values.get(b"rbytes", b"0")),
                _count(values.get(b"wbytes", b"0")),
            )
    return found


def parse_service_bytes(content: bytes, counts: Counts) -> Traffic:
    """Return the bytes of each device of the lines ``8:0 Read 1`` and ``8:0 Write 2`` of version 1."""
    found: dict[str, tuple[int | None, int | None]] = {}
    for line in content.split(b"\n"):
        words = line.split()
        if len(words) != 3 or words[1] not in (b"Read", b"Write"):
            continue
        number = words[0].decode("ascii", "replace")
        if counts(number):
            read, written = found.get(number, (None, None))
            count = _count(words[2])
            found[number] = (count, written) if words[1] == b"Read" else (read, count)
    return found


class Devices:
    """Which devices count, by their number. Each is looked up once."""

    def __init__(self, sys_root: str) -> None:
        self._sys_root = sys_root
        self._known: dict[str, bool] = {}

    def counts(self, number: str) -> bool:
        """Return whether the bytes of a device count. One that sysfs does not have may be a real disk: it does."""
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = self._is_counted(number)
        return known

    def forget(self) -> None:
        """Look up all devices again: another one may have a number by now."""
        self._known.clear()

    def _is_counted(self, number: str) -> bool:
        link = os.path.join(self._sys_root, "dev", "block", number)
        if "/" in number or not os.path.exists(link):
            return True
        name = os.path.basename(os.path.realpath(link))
        return classify(name.replace("!", "/"), os.path.join(self._sys_root, "block", name))[1]


def maybe_read(path: str) -> bytes | None:
    """Read a file of a group, which one read(2) returns whole. This needs half of the time of ``open()``."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(fd, BUFFER_BYTES)
    except OSError:
        return None
    finally:
        os.close(fd)


def _found(pattern: re.Pattern[bytes], content: bytes | None) -> int | None:
    """Return the count that a pattern finds. Parsing the whole of a file with fifty lines takes ten times longer."""
    match = pattern.search(content or b"")
    return _count(match[1]) if match else None


def _maybe(parse: Callable[[bytes], T], content: bytes | None) -> T | None:
    if content is None:
        return None
    try:
        return parse(content)
    except ParseError:
        return None


def _count(word: bytes | None, most: int = counters.NEGATIVE_FROM - 1) -> int | None:
    return None if word is None else counters.maybe_count(word, most)
