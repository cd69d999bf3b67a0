"""Limits and use of our own control group, version 2 (Documentation/admin-guide/cgroup-v2.rst).

Our group is the line ``0::<path>`` of /proc/self/cgroup, below /sys/fs/cgroup. The limits of all its ancestors apply,
too, so the smallest one counts. The root group has no limits and no files of its use: null. On version 1 and hybrid
hosts, only ``version`` is known. These are the numbers of the container; the sections memory and cpu are always the
host's.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..attributes import Attribute, maybe_read_once
from ..files import Files, ParseError, parser
from ..section import Field, Section
from ..setup import Setup
from ..source import Now, Source
from . import kernel_stat
from .meminfo import difference, parse_meminfo

BUFFER_BYTES = 16384  # memory.stat is the largest of our files, and smaller than 2 KiB today
REFRESH_SECONDS = 10.0  # limits and the path of our group change rarely


@dataclass(slots=True)
class Cgroup:
    """Null means unlimited or unknown."""

    version: Annotated[
        int,
        Field(
            "Version of the cgroup hierarchy: 2, or 1 on version 1 and hybrid hosts, where all other fields are null.",
            unit="number",
        ),
    ]
    memory_limit_bytes: Annotated[
        int | None,
        "The smallest limit of our group and its ancestors, at most the memory of the host. Null: none, or unknown.",
    ] = None
    memory_current_bytes: Annotated[int | None, "Memory that the group uses, including caches."] = (
        None
    )
    memory_working_set_bytes: Annotated[
        int | None, "The same without file pages that were not used recently."
    ] = None
    cpu_limit_cores: Annotated[
        float | None,
        "The smallest CPU limit of our group and its ancestors. Null: no limit, or unknown.",
    ] = None
    cpu_usage_percent: Annotated[float | None, "CPU time that the group uses. 100 is one core."] = (
        None
    )
    cpu_limit_used_percent: Annotated[float | None, "100 × cores used / limit. May exceed 100."] = (
        None
    )
    cpu_throttled_percent: Annotated[
        float | None,
        Field(
            "Share of the periods in which the group had used up its CPU quota and had to wait. Null if no period "
            "passed. Should be 0.",
            title="throttled",
        ),
    ] = None


@parser
def parse_self_cgroup(content: bytes) -> str | None:
    """Return the path of the line ``0::<path>``, or None without one (version 1)."""
    for line in content.split(b"\n"):
        if line.startswith(b"0::"):
            return line[3:].decode("utf-8", "surrogateescape")
    return None


@parser
def parse_max(content: bytes) -> int | None:
    """Return ``memory.max`` in bytes, or None for ``max``."""
    word = content.strip()
    if word == b"max":
        return None
    if not word.isdigit():
        raise ParseError("neither a count nor max", line=1)
    return int(word)


@parser
def parse_cpu_max(content: bytes) -> float | None:
    """Return ``cpu.max`` (``quota period`` in µs) in cores, or None for ``max 100000``."""
    words = content.split()
    if words[0] == b"max":
        return None
    quota, period = int(words[0]), int(words[1])
    if quota <= 0 or period <= 0:
        raise ParseError("not a quota", line=1)
    return quota / period


@parser
def parse_flat(content: bytes) -> Mapping[str, int | None]:
    """Return the counts of ``cpu.stat`` or ``memory.stat``: a key and a count per line, in any order."""
    values: dict[str, int | None] = {}
    for line in content.split(b"\n"):
        words = line.split()
        if len(words) == 2:
            values[words[0].decode("ascii", "replace")] = counters.maybe_count(words[1])
    return values


def ancestry(root: str, path: str) -> list[str]:
    """Return the directories of a group and its ancestors, up to the root of the hierarchy that we see."""
    names = [name for name in path.split("/") if name]
    return [os.path.join(root, *names[:depth]) for depth in range(len(names), -1, -1)]


def least(limits: list[float | None]) -> float | None:
    """Return the smallest limit, or None if there is none."""
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


class CgroupSource:
    """Section ``cgroup``."""

    name = "cgroup"

    def __init__(self, files: Files) -> None:
        self._files = files
        self._root = os.path.join(files.sys_root, "fs", "cgroup")
        self._meminfo = files.proc("meminfo", parse_meminfo)
        self._stat = files.proc("stat", kernel_stat.parse)
        self._previous: rates.Previous[str, int | None] = rates.Previous()
        self._refresh_at = -math.inf
        self._version: int | None = None
        self._path: str | None = None
        self._memory_limit: float | None = None
        self._cpu_limit: float | None = None
        self._attributes: dict[str, Attribute] = {}

    def collect(self, now: Now) -> Cgroup | None:
        """Return None on a kernel without control groups."""
        if now.monotonic >= self._refresh_at:
            self._refresh()
            self._refresh_at = now.monotonic + REFRESH_SECONDS
        if self._version is None or self._path is None:
            return None if self._version is None else Cgroup(self._version)
        current = (self._maybe_read("memory.current") or b"").strip()
        usage = counters.maybe_count(current, counters.MOST_MEMORY_BYTES)
        inactive = parse_flat(self._maybe_read("memory.stat") or b"").get("inactive_file")
        cpu = parse_flat(self._maybe_read("cpu.stat") or b"")
        before, seconds = self._previous.exchange(cpu, self._files.clock.monotonic())
        us = None if seconds is None else seconds * 1e6
        # The kernel adds up the cores from time to time, so that a second of each may come late.
        most_us = None if us is None else self._cores(now) * (us + 1e6)
        used_us = _rise(cpu, before, "usage_usec", most_us)
        return Cgroup(
            version=2,
            memory_limit_bytes=self._memory_limit_bytes(now),
            memory_current_bytes=usage,
            memory_working_set_bytes=difference(usage, inactive),
            cpu_limit_cores=None if self._cpu_limit is None else round(self._cpu_limit, 3),
            cpu_usage_percent=rates.unbounded_percent(used_us, us),
            cpu_limit_used_percent=(
                None
                if self._cpu_limit is None or us is None
                else rates.unbounded_percent(used_us, us * self._cpu_limit)
            ),
            cpu_throttled_percent=rates.percent(
                _rise(cpu, before, "nr_throttled", us), _rise(cpu, before, "nr_periods", us)
            ),
        )

    def close(self) -> None:
        """Close the descriptors."""
        for attribute in self._attributes.values():
            attribute.close()

    def _refresh(self) -> None:
        """Find our group and its limits."""
        content = maybe_read_once(os.path.join(self._files.proc_root, "self", "cgroup"))
        if content is None:
            self._version = None
            return
        path = parse_self_cgroup(content)
        if path is None or not os.path.exists(os.path.join(self._root, "cgroup.controllers")):
            self._version, self._path = 1, None
            return
        self._version = 2
        # A group outside of our cgroup namespace has a path that begins with /.. and leads to no directory here.
        inside = ".." not in path.split("/")
        if path != self._path:
            self.close()
            self._attributes.clear()
            self._previous = rates.Previous()
        self._path = path if inside else None
        if not inside:
            return
        directories = ancestry(self._root, path)
        self._memory_limit = _maybe_least(directories, "memory.max", parse_max)
        self._cpu_limit = _maybe_least(directories, "cpu.max", parse_cpu_max)

    def _memory_limit_bytes(self, now: Now) -> int | None:
        """Return the limit, at most the memory of the host."""
        if self._memory_limit is None:
            return None
        total = (self._meminfo.maybe_read(now) or {}).get("MemTotal")
        return int(self._memory_limit if total is None else min(self._memory_limit, total))

    def _cores(self, now: Now) -> int:
        """Return the number of online cores, or that of this system if /proc/stat cannot be read."""
        stat = self._stat.maybe_read(now)
        return (os.cpu_count() or 1) if stat is None else len(stat.cores)

    def _maybe_read(self, name: str) -> bytes | None:
        attribute = self._attributes.get(name)
        if attribute is None:
            directory = ancestry(self._root, self._path or "/")[0]
            attribute = self._attributes[name] = Attribute(
                self._files.budget, os.path.join(directory, name), BUFFER_BYTES
            )
        return attribute.maybe_read()


def _rise(
    counts: Mapping[str, int | None],
    before: Mapping[str, int | None],
    name: str,
    most: float | None,
) -> int | None:
    """Return how much a counter rose. Its unit is a microsecond, or longer."""
    if most is None:
        return None
    return counters.rise_of_time(counts.get(name), before.get(name), most)


def _maybe_least(
    directories: Iterable[str], name: str, parse: Callable[[bytes], float | None]
) -> float | None:
    """Return the smallest limit of some groups, or None if there is none, or one of them is not a limit."""
    contents = [maybe_read_once(os.path.join(directory, name)) for directory in directories]
    try:
        return least([parse(content) for content in contents if content is not None])
    except ParseError:
        return None


SECTIONS = (
    Section(
        CgroupSource,
        Cgroup,
        title="Limits",
        text="What the control group of this program (its container or service) may use, and what it uses. The other "
        "sections have the numbers of the host.",
        files="/sys/fs/cgroup",
        prometheus="telemetry_stream_cgroup",
        nulls="Everything except `version` is null if the group is outside of our namespace. A field is null if the "
        "group has no file for it, as the root group.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (CgroupSource(setup.files),)
