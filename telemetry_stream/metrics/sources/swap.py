"""Swap space from /proc/meminfo, and its traffic from /proc/vmstat (Documentation/filesystems/proc.rst)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..files import Files, parser
from ..section import Section
from ..setup import Setup
from ..source import Now, Source
from ..units import PAGE_BYTES
from .meminfo import Meminfo, difference, parse_meminfo

SWAPPED_PAGES = counters.BYTES.over(PAGE_BYTES)


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


class SwapSource:
    """Section ``swap``."""

    name = "swap"

    def __init__(self, files: Files) -> None:
        self._meminfo = files.proc("meminfo", parse_meminfo)
        self._vmstat = files.proc("vmstat", parse_vmstat, records=True)
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
        SwapSource,
        Swap,
        title="Swap",
        text="Memory that was moved to a disk. Used swap alone does no harm; lasting traffic in and out makes programs "
        "slow.",
        files="/proc/meminfo, /proc/vmstat",
        prometheus="telemetry_stream_swap",
        nulls="The rates are null if /proc/vmstat cannot be read. Without swap space they are 0, since nothing can be "
        "paged.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (SwapSource(setup.files),)
