"""Memory from /proc/meminfo (Documentation/filesystems/proc.rst, "meminfo").

Used memory is total - *available*, as in procps 4.0.1 and psutil 7.1, not total - free - caches. MemAvailable exists
since Linux 3.14, and is 0 on some broken kernels; then it is estimated in the kernel's own way. With lxcfs and in
containers it may be that of the host and exceed the total; then free memory counts as available. On a host, it is
unknown then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..files import Files, parser
from ..section import Field, Section
from ..setup import Setup
from ..source import Now, Source
from ..units import PAGE_BYTES
from .meminfo import Meminfo, difference, parse_meminfo
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


class MemorySource:
    """Section ``memory``."""

    name = "memory"

    def __init__(self, files: Files) -> None:
        self._meminfo = files.proc("meminfo", parse_meminfo)
        self._zoneinfo = files.proc("zoneinfo", parse_zoneinfo, records=True)
        self._arcstats = files.proc("spl/kstat/zfs/arcstats", parse_arcstats, records=True)
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


SECTIONS = (
    Section(
        MemorySource,
        Memory,
        title="Memory",
        text="Used memory is total minus available: memory that other programs can get only if the kernel swaps. "
        "Caches do not count as used.",
        files="/proc/meminfo",
        prometheus="telemetry_stream_memory",
        nulls="A field is null if this kernel has no line for it, or if it exceeds the total. In a container, where "
        "MemAvailable may be that of the host, free memory counts as available then. What is computed from an unknown "
        "field is null.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (MemorySource(setup.files),)
