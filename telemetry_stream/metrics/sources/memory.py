"""Memory and swap from /proc/meminfo, paging from /proc/vmstat (metrics.md 3; kernel docs: filesystems/proc.rst).

The kernel writes kB meaning 1024 bytes; this module speaks bytes. Used is total less *available* (as procps-ng 4.0.1
and psutil 7.1), not total less free less caches. MemAvailable exists since Linux 3.14 and is 0 on some broken ones:
then it is estimated the kernel's own way. Inside LXC it may exceed the total: then free memory is what is available.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import rates
from ..files import Files, ParseError, parser
from ..source import Now
from ..units import KIB, PAGE_BYTES


@dataclass(slots=True)
class Memory:
    """Physical memory. ``cached`` contains ``shared`` (tmpfs, shm), which cannot be reclaimed."""

    total_bytes: int
    available_bytes: int
    used_bytes: int
    used_percent: float | None
    free_bytes: int | None
    buffers_bytes: int | None
    cached_bytes: int | None
    shared_bytes: int | None
    dirty_bytes: int | None
    writeback_bytes: int | None
    available_estimated: bool
    zfs_arc_bytes: int | None  # counted as used; inside LXC it is the host's


@dataclass(slots=True)
class Swap:
    """Swap space; the rates are None on the first sample."""

    total_bytes: int
    free_bytes: int
    used_bytes: int
    used_percent: float | None  # None without swap
    in_bytes_per_second: float | None
    out_bytes_per_second: float | None


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
_NEEDLES = tuple((key.decode(), b"\n" + key + b":", len(key) + 2) for key in MEMINFO_KEYS)
Meminfo = Mapping[str, int]  # bytes, by the kernel's name


@parser
def parse(content: bytes) -> Meminfo:
    """The keys we use of /proc/meminfo, in bytes. Thirteen searches cost a third of splitting its fifty lines."""
    content = b"\n" + content + b"\n"
    values: dict[str, int] = {}
    for key, needle, length in _NEEDLES:
        start = content.find(needle)
        if start < 0:
            continue
        value = int(content[start + length : content.find(b"\n", start + 1)].removesuffix(b" kB"))
        if value < 0:
            raise ParseError(f"{key} is not a count", line=content.count(b"\n", 0, start))
        values[key] = value * KIB
    if not values.get("MemTotal"):
        raise ParseError("no MemTotal")
    return values


@parser
def parse_vmstat(content: bytes) -> Mapping[str, int]:
    """pswpin and pswpout of /proc/vmstat, in pages. Missing ones are left out (a kernel without swap)."""
    content = b"\n" + content
    values: dict[str, int] = {}
    for key, needle in (("pswpin", b"\npswpin "), ("pswpout", b"\npswpout ")):
        start = content.find(needle)
        if start >= 0:
            start += len(needle)
            end = content.find(b"\n", start)
            word = content[start : end if end >= 0 else len(content)]
            if not word.isdigit():
                raise ParseError(f"{key} is not a count")
            values[key] = int(word)
    return values


@parser
def parse_zoneinfo(content: bytes) -> int:
    """The sum of the zones' ``low`` watermarks in /proc/zoneinfo, in pages."""
    low = 0
    for line in content.split(b"\n"):
        words = line.split()
        if len(words) == 2 and words[0] == b"low" and words[1].isdigit():
            low += int(words[1])
    return low


@parser
def parse_arcstats(content: bytes) -> int | None:
    """The ``size`` line of spl/kstat/zfs/arcstats: name, type, bytes."""
    for line in content.split(b"\n"):
        words = line.split()
        if len(words) == 3 and words[0] == b"size" and words[2].isdigit():
            return int(words[2])
    return None


def estimate_available(meminfo: Meminfo, low_bytes: int) -> int:
    """What MemAvailable would say (kernel: si_mem_available): not free + cached, since tmpfs sits in Cached."""
    pages = meminfo.get("Active(file)", 0) + meminfo.get("Inactive(file)", 0)
    slab = meminfo.get("SReclaimable", 0)
    available = meminfo.get("MemFree", 0) - low_bytes
    available += pages - min(pages // 2, low_bytes)
    available += slab - min(slab // 2, low_bytes)
    return max(0, min(available, meminfo["MemTotal"]))


def available_is_missing(meminfo: Meminfo) -> bool:
    """No MemAvailable (before Linux 3.14), or 0 while there is free memory."""
    available = meminfo.get("MemAvailable")
    return available is None or (available == 0 and meminfo.get("MemFree", 0) > 0)


def record(meminfo: Meminfo, *, low_bytes: int = 0, zfs_arc_bytes: int | None = None) -> Memory:
    """The section memory. ``low_bytes`` matters only when MemAvailable is missing."""
    total = meminfo["MemTotal"]
    estimated = available_is_missing(meminfo)
    if estimated:
        available = estimate_available(meminfo, low_bytes)
    else:
        available = meminfo["MemAvailable"]
        if available > total:
            available = min(meminfo.get("MemFree", 0), total)
    cached = meminfo.get("Cached")
    return Memory(
        total_bytes=total,
        available_bytes=available,
        used_bytes=total - available,
        used_percent=rates.percent(total - available, total),
        free_bytes=meminfo.get("MemFree"),
        buffers_bytes=meminfo.get("Buffers"),
        cached_bytes=None if cached is None else cached + meminfo.get("SReclaimable", 0),
        shared_bytes=meminfo.get("Shmem"),
        dirty_bytes=meminfo.get("Dirty"),
        writeback_bytes=meminfo.get("Writeback"),
        available_estimated=estimated,
        zfs_arc_bytes=zfs_arc_bytes,
    )


class SwapRates:
    """Turns readings into a Swap each."""

    def __init__(self) -> None:
        self._previous: rates.Previous[str, int] = rates.Previous()

    def record(self, meminfo: Meminfo, paging: Mapping[str, int] | None, at: float) -> Swap | None:
        """``paging`` holds the counters pswpin and pswpout in bytes; None says that nothing can have been paged since
        the reading before. No record on a kernel without swap.
        """
        before, seconds = self._previous.exchange(paging or {}, at)
        if "SwapTotal" not in meminfo:
            return None
        total = meminfo["SwapTotal"]
        free = min(meminfo.get("SwapFree", total), total)

        def rate(name: str) -> float | None:
            if paging is None:
                return None if seconds is None else 0.0
            counter = paging.get(name)
            return None if counter is None else rates.per_second(counter, before.get(name), seconds)

        used = total - free
        return Swap(total, free, used, rates.percent(used, total), rate("pswpin"), rate("pswpout"))


class MemorySource:
    """Section ``memory``."""

    name = "memory"

    def __init__(self, files: Files) -> None:
        self._meminfo = files.proc("meminfo", parse)
        self._zoneinfo = files.proc("zoneinfo", parse_zoneinfo)
        self._arcstats = files.proc("spl/kstat/zfs/arcstats", parse_arcstats)

    def collect(self, now: Now) -> Memory:
        """Raises OSError or ParseError where /proc/meminfo cannot be had."""
        meminfo = self._meminfo.read(now)
        low_bytes = 0
        if available_is_missing(meminfo):
            try:
                low_bytes = self._zoneinfo.read(now) * PAGE_BYTES
            except (OSError, ParseError):  # an estimate without watermarks is still one
                low_bytes = 0
        return record(meminfo, low_bytes=low_bytes, zfs_arc_bytes=self._arcstats.maybe_read(now))


class SwapSource:
    """Section ``swap``."""

    name = "swap"

    def __init__(self, files: Files) -> None:
        self._meminfo = files.proc("meminfo", parse)
        self._vmstat = files.proc("vmstat", parse_vmstat)
        self._rates = SwapRates()
        self._had_swap = False

    def collect(self, now: Now) -> Swap | None:
        """None on a kernel without swap. Raises OSError or ParseError where /proc/meminfo cannot be had."""
        meminfo = self._meminfo.read(now)
        had_swap, self._had_swap = self._had_swap, meminfo.get("SwapTotal", 0) > 0
        if not self._had_swap and not had_swap:
            # /proc/vmstat is the dearest of all our files (20 µs), and has nothing to say.
            return self._rates.record(meminfo, None, self._meminfo.monotonic)
        pages = self._vmstat.maybe_read(now) or {}
        paging = {name: count * PAGE_BYTES for name, count in pages.items()}
        return self._rates.record(meminfo, paging, self._vmstat.monotonic)
