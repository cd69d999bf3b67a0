"""Disks and their totals: the counters are from /proc/diskstats (diskstats.py).

A partition repeats the numbers of its disk, and dm and md repeat those of their members, so the totals count only whole
physical disks; see block_device.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Protocol

from .. import counters, rates
from ..files import Files
from ..section import Field, Section
from ..setup import Setup
from ..source import Now, OncePerTick, Source
from .block_device import BlockDevice
from .diskstats import (
    IN_FLIGHT,
    MS_IO,
    MS_READING,
    MS_WEIGHTED,
    MS_WRITING,
    READS,
    SECTOR_BYTES,
    SECTORS_READ,
    SECTORS_WRITTEN,
    WRITES,
    Key,
    Numbers,
    deltas,
    parse,
    with_multipath_heads,
)

# A host with ZFS may have thousands of volumes, which must not fill the frames. Each of them is a device of its own. A
# disk that the totals count always has a row.
MAX_ROWS = 64
# The rates of a disk that did nothing, in the order of the fields. That is the usual case.
IDLE = (0.0, 0.0, 0.0, 0.0, None, None, 0.0, 0.0)


@dataclass(slots=True)
class Disk:
    """One whole disk, or a device that is made of disks."""

    name: Annotated[
        str,
        Field(
            "The kernel's name. Beyond 64 disks, only those that the totals count have a row.",
            prometheus="device",
            is_identity=True,
        ),
    ]
    kind: Annotated[str, "disk, or the kind of a device that is made of disks: dm, md, drbd, zd."]
    counted: Annotated[bool, "Whether the totals include it: only whole physical disks."]
    read_bytes_per_second: Annotated[float | None, "Bytes read: sectors × 512."] = None
    write_bytes_per_second: Annotated[
        float | None, Field("Bytes written: sectors × 512.", title="written")
    ] = None
    reads_per_second: Annotated[float | None, "Reads that completed."] = None
    writes_per_second: Annotated[float | None, "Writes that completed."] = None
    read_await_ms: Annotated[
        float | None,
        Field(
            "Mean time of the reads that completed; null if none did. Above 100 ms is slow for any disk.",
            title="read wait",
        ),
    ] = None
    write_await_ms: Annotated[
        float | None,
        Field(
            "Mean time of the writes that completed; null if none did. Above 100 ms is slow for any disk.",
            title="write wait",
        ),
    ] = None
    queue_depth: Annotated[
        float | None,
        Field(
            "Mean number of requests under way (aqu-sz of iostat).", unit="requests", title="queue"
        ),
    ] = None
    util_percent: Annotated[
        float | None,
        Field(
            "Share of the time in which a request was under way. NVMe and RAID work on several requests at once, so "
            "that 100 % does not mean that they are at their limit; the wait shows that.",
            title="busy",
        ),
    ] = None
    in_flight: Annotated[
        int | None,
        Field("Requests under way now. Null where the kernel counts below 0.", unit="requests"),
    ] = None


@dataclass(slots=True)
class DiskTotals:
    """The sums over the counted disks."""

    total_read_bytes_per_second: Annotated[
        float | None, Field("Bytes read from all counted disks.", title="read")
    ]
    total_write_bytes_per_second: Annotated[
        float | None, Field("Bytes written to all counted disks.", title="written")
    ]


class DisksSource:
    """Section ``disks``. DiskTotalsSource uses the same rows."""

    name = "disks"

    def __init__(self, files: Files) -> None:
        self._files = files
        self._diskstats = files.proc("diskstats", parse, records=True)
        self._previous: rates.Previous[Key, Numbers] = rates.Previous()
        self._devices: dict[Key, BlockDevice] = {}
        self._shown = 0  # of the devices
        self._without_row: set[Key] = set()
        self._rows = OncePerTick(self._read)

    def collect(self, now: Now) -> tuple[Disk, ...]:
        """Raises OSError or ParseError if /proc/diskstats is unavailable."""
        return self._rows.get(now)

    def _read(self, now: Now) -> tuple[Disk, ...]:
        rows = with_multipath_heads(self._diskstats.read(now))
        before, seconds = self._previous.exchange(rows, self._diskstats.monotonic)
        disks = []
        for gone in self._devices.keys() - rows.keys():
            self._forget(gone)
        self._without_row &= rows.keys()
        for key, numbers in rows.items():
            device = self._devices.get(key)
            is_new = device is None or not device.is_same()
            if is_new:
                device = self._maybe_new(key)
            if device is not None and device.kind is not None:
                then = None if is_new else before.get(key)
                disks.append(
                    disk(
                        key[0],
                        device.kind,
                        device.counted,
                        numbers,
                        then,
                        seconds,
                        now.boottime,
                    )
                )
        return tuple(disks)

    def close(self) -> None:
        """Close the descriptors."""
        for device in self._devices.values():
            device.close()

    def _maybe_new(self, key: Key) -> BlockDevice | None:
        """Return a device that was not there in the reading before, or None if there are too many."""
        if key in self._devices:
            self._forget(key)
        is_full = self._shown >= MAX_ROWS
        if is_full and key in self._without_row:
            return None
        directory = os.path.join(self._files.sys_root, "block", key[0].replace("/", "!"))
        device = BlockDevice(self._files.budget, key[0], directory)
        if is_full and device.kind is not None and not device.counted:
            device.close()
            self._without_row.add(key)
            return None
        self._without_row.discard(key)  # There is room now.
        self._devices[key] = device
        self._shown += device.kind is not None
        return device

    def _forget(self, key: Key) -> None:
        device = self._devices.pop(key)
        device.close()
        self._shown -= device.kind is not None


def disk(
    name: str,
    kind: str,
    counted: bool,
    numbers: Numbers,
    before: Numbers | None,
    seconds: float | None,
    uptime: float,
) -> Disk:
    """Return one row."""
    in_flight = counters.at_most(numbers[IN_FLIGHT], counters.MOST_INT)
    if numbers == before and seconds is not None and None not in numbers:
        return Disk(name, kind, counted, *IDLE, in_flight)
    rose = deltas(numbers, before, seconds, uptime)
    if rose is None or seconds is None:
        return Disk(name, kind, counted, in_flight=in_flight)
    ms = seconds * 1000
    return Disk(
        name,
        kind,
        counted,
        bytes_per_second(rose[SECTORS_READ], seconds),
        bytes_per_second(rose[SECTORS_WRITTEN], seconds),
        rates.quotient(rose[READS], seconds),
        rates.quotient(rose[WRITES], seconds),
        rates.quotient(rose[MS_READING], rose[READS]),
        rates.quotient(rose[MS_WRITING], rose[WRITES]),
        rates.quotient(rose[MS_WEIGHTED], ms),
        rates.percent(rose[MS_IO], ms),
        in_flight,
    )


def bytes_per_second(sectors: int | None, seconds: float) -> float | None:
    """Return the rate of sectors in bytes."""
    return None if sectors is None else rates.quotient(sectors * SECTOR_BYTES, seconds)


def totals(disks: tuple[Disk, ...]) -> DiskTotals:
    """Return the sums over the counted disks whose rates are known."""
    counted = [row for row in disks if row.counted]
    return DiskTotals(
        rates.total(row.read_bytes_per_second for row in counted),
        rates.total(row.write_bytes_per_second for row in counted),
    )


class Disks(Protocol):
    """A source of the rows."""

    def collect(self, now: Now) -> tuple[Disk, ...]: ...


class DiskTotalsSource:
    """Section ``disk``."""

    name = "disk"

    def __init__(self, disks: Disks) -> None:
        self._disks = disks

    def collect(self, now: Now) -> DiskTotals:
        """Raises what the section disks raises."""
        return totals(self._disks.collect(now))


SECTIONS = (
    Section(
        DisksSource,
        tuple[Disk, ...],
        title="Disks",
        text="Each disk. Devices that are made of disks (md, dm) repeat the numbers of their members and are not in "
        "the totals.",
        files="/proc/diskstats",
        prometheus="telemetry_stream_disk",
        nulls="All rates of a disk are null once if one of its counts fell or another disk got its name. A time (wait, "
        "queue, busy) that fell or is impossible is null alone.",
    ),
    Section(
        DiskTotalsSource,
        DiskTotals,
        title="Disk",
        text="Bytes read from and written to the physical disks.",
        files="/proc/diskstats",
        prometheus="telemetry_stream_disks",
        nulls="The sums are over the rates that are known; null if none is.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    disks = DisksSource(setup.files)
    return (disks, DiskTotalsSource(disks))
