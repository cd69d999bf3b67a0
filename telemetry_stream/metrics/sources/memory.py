"""Memory and swap from /proc/meminfo, paging from /proc/vmstat (Documentation/filesystems/proc.rst, "meminfo").

The kernel writes kB and means 1024 bytes; all values here are bytes. Used memory is total - *available*, as in procps
4.0.1 and psutil 7.1, not total - free - caches. MemAvailable exists since Linux 3.14, and is 0 on some broken kernels;
then it is estimated in the kernel's own way. With lxcfs and in containers it may be that of the host and exceed the
total; then free memory counts as available. On a host, it is unknown then.

A part that exceeds the whole is unknown. LXC and others subtract the use of a container from its limit, and print what
is below 0 as 2^64 - n. What is computed from an unknown number is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..files import Files, ParseError, parser
from ..section import Field, Section
from ..setup import Setup
from ..source import Now, Source
from ..units import KIB, PAGE_BYTES
from .system import read_view


@dataclass(slots=True)
class Memory:
    """Physical memory."""

    total_bytes: Annotated[int | None, "Memory that the kernel manages."]
    available_bytes: Annotated[
        int | None,
        "What programs can get without swapping, as the kernel estimates it (MemAvailable).",
    ]
    used_bytes: Annotated[
        int | None,
        "total - available, as free shows it since procps 4.0.1. Caches are not used memory.",
    ]
    used_percent: Annotated[
        float | None,
        "100 × used / total. A high value is a problem only if programs have to wait for memory (pressure of memory).",
    ]
    free_bytes: Annotated[
        int | None, "Not used by anything, not even as a cache. A low value is normal."
    ]
    buffers_bytes: Annotated[int | None, "Cache of block devices."]
    cached_bytes: Annotated[
        int | None,
        "Contents of files that are kept for reuse, and reclaimable slab (Cached + SReclaimable). The kernel gives "
        "most of it back when programs need it, but not the shared memory in it.",
    ]
    shared_bytes: Annotated[int | None, "tmpfs and shared memory."]
    dirty_bytes: Annotated[int | None, "Data that waits to be written to a disk."]
    writeback_bytes: Annotated[int | None, "Data that is being written to a disk."]
    available_estimated: Annotated[
        bool, "True if the kernel has no MemAvailable, so it was estimated here."
    ]
    zfs_arc_bytes: Annotated[
        int | None,
        Field(
            "The cache of ZFS, which counts as used memory; null without ZFS. In LXC it is that of the host.",
            title="ZFS cache",
        ),
    ]


@dataclass(slots=True)
class Swap:
    """Swap space and its traffic."""

    total_bytes: Annotated[int | None, "Swap space."]
    free_bytes: Annotated[int | None, "Swap space that is not used."]
    used_bytes: Annotated[int | None, "total - free."]
    used_percent: Annotated[float | None, "100 × used / total. Null without swap space."]
    in_bytes_per_second: Annotated[
        float | None, "Read back from swap. Lasting traffic means that memory is too small."
    ]
    out_bytes_per_second: Annotated[
        float | None, "Written to swap. Lasting traffic means that memory is too small."
    ]


MEMINFO_KEYS = (
    b"MemTotal",
    b"MemFree",
    b"MemAvailable",
    b"Buffers",
    b"Cached",
    b"SReclaimable",
    b"Shmem",
    b"Dirty",
    b"Writeback",
    b"Active(file)",
    b"Inactive(file)",
    b"SwapTotal",
    b"SwapFree",
)
SWAPPED_PAGES = counters.BYTES.over(PAGE_BYTES)
_NEEDLES = tuple((key.decode(), b"\n" + key + b":", len(key) + 2) for key in MEMINFO_KEYS)
# Bytes, by the kernel's name. None: the line does not have a count that fits into the machine.
Meminfo = Mapping[str, int | None]
MOST_KIB = counters.MOST_MEMORY_BYTES // KIB
WHOLES = frozenset({"MemTotal", "MemAvailable", "SwapTotal", "SwapFree"})


@parser
def parse(content: bytes) -> Meminfo:
    """Return the keys of /proc/meminfo that we use, in bytes. Raises ParseError if none is known.

    Thirteen searches cost a third of splitting all fifty lines.
    """
    content = b"\n" + content + b"\n"
    values: dict[str, int | None] = {}
    total = MOST_KIB
    for key, needle, length in _NEEDLES:
        start = content.find(needle)
        if start < 0:
            continue
        word = content[start + length : content.find(b"\n", start + 1)].removesuffix(b" kB")
        word = word.strip()
        count = int(word) if word.isdigit() and len(word) <= counters.MOST_DIGITS else -1
        if key == "MemTotal":
            total = count if 0 < count <= MOST_KIB else MOST_KIB
        values[key] = count * KIB if 0 <= count <= (MOST_KIB if key in WHOLES else total) else None
    if not any(values.values()):
        raise ParseError("no count of memory")
    values["MemTotal"] = values.get("MemTotal") or None
    return values


@parser
def parse_vmstat(content: bytes) -> Mapping[str, int | None]:
    """Return pswpin and pswpout of /proc/vmstat, in pages. A kernel without swap has neither."""
    content = b"\n" + content
    values: dict[str, int | None] = {}
    for key, needle in (("pswpin", b"\npswpin "), ("pswpout", b"\npswpout ")):
        start = content.find(needle)
        if start >= 0:
            start += len(needle)
            end = content.find(b"\n", start)
            word = content[start : end if end >= 0 else len(content)]
            values[key] = counters.maybe_count(word)
    return values


@parser
def parse_zoneinfo(content: bytes) -> int:
    """Return the sum of the ``low`` watermarks of all zones in /proc/zoneinfo, in pages."""
    low = 0
    for line in content.split(b"\n"):
        words = line.split()
        if len(words) == 2 and words[0] == b"low" and words[1].isdigit():
            low += int(words[1])
    return low


@parser
def parse_arcstats(content: bytes) -> int | None:
    """Return the ``size`` line (name, type, bytes) of spl/kstat/zfs/arcstats, in bytes."""
    for line in content.split(b"\n"):
        words = line.split()
        if len(words) == 3 and words[0] == b"size":
            return counters.maybe_count(words[2], counters.MOST_MEMORY_BYTES)
    return None


def estimate_available(meminfo: Meminfo, low_bytes: int) -> int | None:
    """Return an estimate of MemAvailable, as the kernel makes it (si_mem_available in mm/show_mem.c).

    free + cached would be wrong, because Cached contains tmpfs. None without MemFree, or if a part is unknown.
    """
    free, total = meminfo.get("MemFree"), meminfo.get("MemTotal")
    active, inactive = meminfo.get("Active(file)", 0), meminfo.get("Inactive(file)", 0)
    slab = meminfo.get("SReclaimable", 0)
    if free is None or total is None or active is None or inactive is None or slab is None:
        return None
    pages = active + inactive
    available = free - low_bytes
    available += pages - min(pages // 2, low_bytes)
    available += slab - min(slab // 2, low_bytes)
    return max(0, min(available, total))


def available_is_missing(meminfo: Meminfo) -> bool:
    """Return whether there is no MemAvailable (before Linux 3.14), or it is 0 while memory is free.

    One that is not a count is not missing: its true value may be any.
    """
    if "MemAvailable" not in meminfo:
        return True
    return meminfo["MemAvailable"] == 0 and bool(meminfo.get("MemFree"))


def record(
    meminfo: Meminfo,
    *,
    low_bytes: int | None = 0,
    zfs_arc_bytes: int | None = None,
    is_host: bool = True,
) -> Memory:
    """Return the section ``memory``. ``low_bytes`` matters only if MemAvailable is missing; None: do not estimate."""
    total = meminfo.get("MemTotal")
    available = meminfo.get("MemAvailable")
    estimated = low_bytes is not None and available_is_missing(meminfo)
    if estimated and low_bytes is not None:
        available = estimate_available(meminfo, low_bytes)
    elif available is not None and total is not None and available > total:
        available = None if is_host else meminfo.get("MemFree")
    used = difference(total, available)
    cached, slab = meminfo.get("Cached"), meminfo.get("SReclaimable", 0)
    return Memory(
        total_bytes=total,
        available_bytes=available,
        used_bytes=used,
        used_percent=rates.percent(used, total),
        free_bytes=meminfo.get("MemFree"),
        buffers_bytes=meminfo.get("Buffers"),
        cached_bytes=(
            None if cached is None or slab is None else counters.at_most(cached + slab, total)
        ),
        shared_bytes=meminfo.get("Shmem"),
        dirty_bytes=meminfo.get("Dirty"),
        writeback_bytes=meminfo.get("Writeback"),
        available_estimated=estimated,
        zfs_arc_bytes=zfs_arc_bytes,
    )


def difference(total: int | None, part: int | None) -> int | None:
    """Return total - part, or None if one is unknown or the part exceeds the total."""
    return None if total is None or part is None or part > total else total - part


class SwapRates:
    """Makes a Swap from each reading."""

    def __init__(self) -> None:
        self._previous: rates.Previous[str, int | None] = rates.Previous()

    def record(
        self, meminfo: Meminfo, paging: Mapping[str, int | None] | None, at: float
    ) -> Swap | None:
        """Return the section ``swap``, or None on a kernel without swap.

        ``paging`` holds the counters pswpin and pswpout in pages. None means that there was no swap space since the
        reading before, so that nothing can have been paged.
        """
        before, seconds = self._previous.exchange(paging or {}, at)
        if "SwapTotal" not in meminfo:
            return None
        total = meminfo["SwapTotal"]
        free = 0 if total == 0 else meminfo.get("SwapFree")
        used = difference(total, free)

        def rate(name: str) -> float | None:
            if paging is None:
                return None if seconds is None else 0.0
            pages = counters.rise(paging.get(name), before.get(name), seconds, SWAPPED_PAGES)
            return None if pages is None else rates.quotient(pages * PAGE_BYTES, seconds)

        return Swap(
            total,
            counters.at_most(free, total),
            used,
            rates.percent(used, total),
            rate("pswpin"),
            rate("pswpout"),
        )


class MemorySource:
    """Section ``memory``."""

    name = "memory"

    def __init__(self, files: Files) -> None:
        self._meminfo = files.proc("meminfo", parse)
        self._zoneinfo = files.proc("zoneinfo", parse_zoneinfo)
        self._arcstats = files.proc("spl/kstat/zfs/arcstats", parse_arcstats)
        self._is_host = read_view(files) == "host"

    def collect(self, now: Now) -> Memory:
        """Raises OSError or ParseError if /proc/meminfo is unavailable."""
        meminfo = self._meminfo.read(now)
        low_bytes = 0
        if available_is_missing(meminfo):
            # The estimate without watermarks is slightly too high.
            low_bytes = (self._zoneinfo.maybe_read(now) or 0) * PAGE_BYTES
        return record(
            meminfo,
            low_bytes=low_bytes,
            zfs_arc_bytes=self._arcstats.maybe_read(now),
            is_host=self._is_host,
        )


class SwapSource:
    """Section ``swap``."""

    name = "swap"

    def __init__(self, files: Files) -> None:
        self._meminfo = files.proc("meminfo", parse)
        self._vmstat = files.proc("vmstat", parse_vmstat)
        self._rates = SwapRates()
        self._had_swap = False

    def collect(self, now: Now) -> Swap | None:
        """Return None on a kernel without swap. Raises OSError or ParseError if /proc/meminfo is unavailable."""
        meminfo = self._meminfo.read(now)
        # An unknown size may be any size.
        had_swap, self._had_swap = self._had_swap, meminfo.get("SwapTotal", 0) != 0
        if not self._had_swap and not had_swap:
            # Without swap space nothing is paged, and /proc/vmstat costs most of all our files (20 µs).
            return self._rates.record(meminfo, None, self._meminfo.monotonic)
        paging = self._vmstat.maybe_read(now)
        if paging is None:  # Only the rates are unknown.
            return self._rates.record(meminfo, {}, self._meminfo.monotonic)
        return self._rates.record(meminfo, paging, self._vmstat.monotonic)


SECTIONS = (
    Section(
        MemorySource,
        Memory,
        title="Memory",
        text="Used memory is total minus available: memory that other programs can get only if the kernel swaps. "
        "Caches do not count as used.",
        files="/proc/meminfo",
        prometheus="node_memory",
        nulls="A field is null if this kernel has no line for it, or if it exceeds the total. In a container, where "
        "MemAvailable may be that of the host, free memory counts as available then. What is computed from an unknown "
        "field is null.",
    ),
    Section(
        SwapSource,
        Swap,
        title="Swap",
        text="Memory that was moved to a disk. Used swap alone does no harm; lasting traffic in and out makes programs "
        "slow.",
        files="/proc/meminfo, /proc/vmstat",
        prometheus="node_swap",
        nulls="The rates are null if /proc/vmstat cannot be read. Without swap space they are 0, since nothing can be "
        "paged.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (MemorySource(setup.files), SwapSource(setup.files))
