"""Limits and use of our own control group, version 2 (metrics.md 12; kernel docs: admin-guide/cgroup-v2.rst).

Our group is the line ``0::<path>`` of /proc/self/cgroup, below /sys/fs/cgroup. A limit of any ancestor binds us too, so
the least counts. The root group has no limits and no usage files: null. On version 1 and hybrid hosts only ``version``
is said. These are the container's numbers; memory and cpu stay the host's, and are never mixed with these in silence.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .. import rates
from ..attributes import Attribute, maybe_read_once
from ..files import Files, ParseError, parser
from ..source import Now
from . import memory

MOST_BYTES = 16384  # memory.stat is the largest of our files, and below 2 KiB today
LOOK_SECONDS = 10.0  # limits change when an administrator says so, groups when we are moved


@dataclass(slots=True)
class Cgroup:
    """Null is: no limit, or not known. 100 percent of CPU is one core."""

    version: int
    memory_limit_bytes: int | None = None
    memory_current_bytes: int | None = None
    memory_working_set_bytes: int | None = None
    cpu_limit_cores: float | None = None
    cpu_usage_percent: float | None = None
    cpu_limit_used_percent: float | None = None
    cpu_throttled_percent: float | None = None


@parser
def parse_self_cgroup(content: bytes) -> str | None:
    """The path of the line ``0::<path>``; None without one (version 1)."""
    for line in content.split(b"\n"):
        if line.startswith(b"0::"):
            return line[3:].decode("utf-8", "surrogateescape")
    return None


@parser
def parse_max(content: bytes) -> int | None:
    """``memory.max``: bytes, or None for ``max``."""
    word = content.strip()
    if word == b"max":
        return None
    if not word.isdigit():
        raise ParseError("neither a count nor max", line=1)
    return int(word)


@parser
def parse_cpu_max(content: bytes) -> float | None:
    """``cpu.max``: ``quota period`` in µs as cores, or None for ``max 100000``."""
    words = content.split()
    if words[0] == b"max":
        return None
    quota, period = int(words[0]), int(words[1])
    if quota <= 0 or period <= 0:
        raise ParseError("not a quota", line=1)
    return quota / period


@parser
def parse_flat(content: bytes) -> Mapping[str, int]:
    """``cpu.stat`` and ``memory.stat``: a key and a count per line, in any order."""
    values: dict[str, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        words = line.split()
        if len(words) != 2:
            continue
        if not words[1].isdigit():
            raise ParseError("not a count", line=number)
        values[words[0].decode("ascii", "replace")] = int(words[1])
    return values


def ancestry(root: str, path: str) -> list[str]:
    """The group's directory and those of its ancestors, up to the root of the hierarchy as we see it."""
    names = [name for name in path.split("/") if name]
    return [os.path.join(root, *names[:depth]) for depth in range(len(names), -1, -1)]


def least(limits: list[float | None]) -> float | None:
    """The limit that binds."""
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


class CgroupSource:
    """Section ``cgroup``."""

    name = "cgroup"

    def __init__(self, files: Files) -> None:
        self._files = files
        self._root = os.path.join(files.sys_root, "fs", "cgroup")
        self._meminfo = files.proc("meminfo", memory.parse)
        self._previous: rates.Previous[str, int] = rates.Previous()
        self._look_at = -math.inf
        self._version: int | None = None
        self._path: str | None = None
        self._memory_limit: float | None = None
        self._cpu_limit: float | None = None
        self._attributes: dict[str, Attribute] = {}

    def collect(self, now: Now) -> Cgroup | None:
        """None on a kernel without control groups. Raises ParseError for a file that makes no sense."""
        if now.monotonic >= self._look_at:
            self._look()
            # Only now: a limit that makes no sense is not none.
            self._look_at = now.monotonic + LOOK_SECONDS
        if self._version is None or self._path is None:
            return None if self._version is None else Cgroup(self._version)
        current = self._maybe("memory.current")
        usage = None if current is None else parse_max(current)
        inactive = parse_flat(self._maybe("memory.stat") or b"").get("inactive_file")
        cpu = parse_flat(self._maybe("cpu.stat") or b"")
        before, seconds = self._previous.exchange(cpu, self._files.clock.monotonic())
        used_us = _rose(cpu, before, "usage_usec")
        us = None if seconds is None else seconds * 1e6
        limit = self._memory_limit_capped(now)
        return Cgroup(
            version=2,
            memory_limit_bytes=limit,
            memory_current_bytes=usage,
            memory_working_set_bytes=(
                None if usage is None or inactive is None else max(0, usage - inactive)
            ),
            cpu_limit_cores=None if self._cpu_limit is None else round(self._cpu_limit, 3),
            cpu_usage_percent=rates.unbounded_percent(used_us, us),
            cpu_limit_used_percent=(
                None
                if self._cpu_limit is None or us is None
                else rates.unbounded_percent(used_us, us * self._cpu_limit)
            ),
            cpu_throttled_percent=rates.percent(
                _rose(cpu, before, "nr_throttled"), _rose(cpu, before, "nr_periods")
            ),
        )

    def close(self) -> None:
        """Give the descriptors back."""
        for attribute in self._attributes.values():
            attribute.close()

    def _look(self) -> None:
        """Which group we are in, and what binds it."""
        content = maybe_read_once(os.path.join(self._files.proc_root, "self", "cgroup"))
        if content is None:
            self._version = None
            return
        path = parse_self_cgroup(content)
        if path is None or not os.path.exists(os.path.join(self._root, "cgroup.controllers")):
            self._version, self._path = 1, None
            return
        self._version = 2
        # Outside of our namespace the path starts with /..: those files are not ours to follow.
        inside = ".." not in path.split("/")
        if path != self._path:
            self.close()
            self._attributes.clear()
            self._previous = rates.Previous()
        self._path = path if inside else None
        if not inside:
            return
        directories = ancestry(self._root, path)
        self._memory_limit = least([_maybe_limit(d, "memory.max", parse_max) for d in directories])
        self._cpu_limit = least([_maybe_limit(d, "cpu.max", parse_cpu_max) for d in directories])

    def _memory_limit_capped(self, now: Now) -> int | None:
        """No group gets more than there is."""
        if self._memory_limit is None:
            return None
        try:
            return int(min(self._memory_limit, self._meminfo.read(now)["MemTotal"]))
        except (OSError, ParseError):  # the section memory says so already
            return int(self._memory_limit)

    def _maybe(self, name: str) -> bytes | None:
        attribute = self._attributes.get(name)
        if attribute is None:
            directory = ancestry(self._root, self._path or "/")[0]
            attribute = self._attributes[name] = Attribute(
                self._files.budget, os.path.join(directory, name), MOST_BYTES
            )
        return attribute.maybe_read()


def _rose(counters: Mapping[str, int], before: Mapping[str, int], name: str) -> int | None:
    counter = counters.get(name)
    return None if counter is None else rates.delta(counter, before.get(name))


def _maybe_limit(directory: str, name: str, parse: Callable[[bytes], float | None]) -> float | None:
    content = maybe_read_once(os.path.join(directory, name))
    return None if content is None else parse(content)
