"""Disks from /proc/diskstats (metrics.md 5; kernel docs: admin-guide/iostats.rst, block/diskseq in ABI/stable).

Specimen:
    254 0 vda 8413 6026 1317506 3292 1284 9492 569144 1062 0 1496 4501 [discards x4 [flushes x2]]
Sectors are 512 bytes always, on 4Kn drives too. Partitions repeat their disk and dm/md repeat their members, so only
whole physical disks count in the totals; whether something is a whole disk, sysfs says, never a digit in its name. The
ms columns are unsigned int even on 64-bit kernels and wrap; everything else that falls is a reset.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from .. import rates
from ..attributes import Attribute, maybe_read_once
from ..files import Files, parser
from ..source import Now

SECTOR_BYTES = 512
COLUMNS = 11
(
    READS,
    _,
    SECTORS_READ,
    MS_READING,
    WRITES,
    _,
    SECTORS_WRITTEN,
    MS_WRITING,
    IN_FLIGHT,
    MS_IO,
    MS_WEIGHTED,
) = range(COLUMNS)
MS_COLUMNS = (MS_READING, MS_WRITING, MS_IO, MS_WEIGHTED)
STEADY_COLUMNS = tuple(
    column for column in range(COLUMNS) if column not in (*MS_COLUMNS, IN_FLIGHT)
)

# Never shown: memory dressed as disks, and drives of removable media.
HIDDEN_KINDS = ("loop", "ram", "zram", "sr", "fd")
# Shown with their kind, but made of other disks.
VIRTUAL_KINDS = ("dm", "md", "drbd", "zd")
NAME = re.compile(r"(loop|ram|zram|sr|fd|dm|md|drbd|zd)[-_]?\d")
NVME_PATH = re.compile(r"(nvme\d+)c\d+(n\d+)$")  # a path of a multipath head

# The rates of a disk that did nothing, in the order of the fields: most disks, most of the time.
IDLE = (0.0, 0.0, 0.0, 0.0, None, None, 0.0, 0.0)

Numbers = tuple[int, ...]
Key = tuple[str, str]  # name, "major:minor"


@dataclass(slots=True)
class Disk:
    """One whole disk, or a device made of disks (``kind`` dm, md, ...), which the totals leave out."""

    name: str
    kind: str
    counted: bool
    read_bytes_per_second: float | None = None
    write_bytes_per_second: float | None = None
    reads_per_second: float | None = None
    writes_per_second: float | None = None
    read_await_ms: float | None = None  # None when no read completed
    write_await_ms: float | None = None
    queue_depth: float | None = None
    util_percent: float | None = None  # some request was in flight; on NVMe that is not saturation
    in_flight: int | None = None


@dataclass(slots=True)
class DiskTotals:
    """Over the counted disks."""

    total_read_bytes_per_second: float | None
    total_write_bytes_per_second: float | None


@parser
def parse(content: bytes) -> Mapping[Key, Numbers]:
    """/proc/diskstats by name and number. Rows with fewer than 11 numbers (partitions of Linux 2.6) are left out."""
    rows: dict[Key, Numbers] = {}
    for line in content.split(b"\n"):
        if b" loop" in line or b" ram" in line or b" zram" in line:  # a host has dozens of them
            continue
        words = line.split()
        if len(words) < COLUMNS + 3:
            continue
        numbers = tuple(map(int, words[3 : COLUMNS + 3]))
        if min(numbers) < 0:
            if min(numbers[:IN_FLIGHT] + numbers[MS_IO:]) < 0:
                continue  # no counter of any kernel: this row means nothing, the others may
            # in_flight went below 0 before Linux 5.0
            numbers = (*numbers[:IN_FLIGHT], 0, *numbers[MS_IO:])
        name = words[2].decode("utf-8", "replace")
        rows[name, f"{int(words[0])}:{int(words[1])}"] = numbers
    return rows


@dataclass(slots=True)
class _Device:
    """What sysfs said when this device was first seen, and its serial number of appearance."""

    kind: str | None  # None: not shown
    counted: bool
    diskseq: Attribute
    seen: bytes | None


class DisksSource:
    """Section ``disks``; DiskTotalsSource asks it for the same rows."""

    name = "disks"

    def __init__(self, files: Files) -> None:
        self._files = files
        self._diskstats = files.proc("diskstats", parse, records=True)
        self._previous: rates.Previous[Key, Numbers] = rates.Previous()
        self._devices: dict[Key, _Device] = {}
        self._rows: tuple[Disk, ...] = ()
        self._tick = -1

    def collect(self, now: Now) -> tuple[Disk, ...]:
        """Raises OSError or ParseError where /proc/diskstats cannot be had."""
        rows = self._diskstats.read(now)
        if self._tick == now.tick:
            return self._rows
        self._tick = now.tick
        rows = _with_multipath_heads(rows)
        before, seconds = self._previous.exchange(rows, self._diskstats.monotonic)
        disks = []
        for gone in self._devices.keys() - rows.keys():
            self._devices.pop(gone).diskseq.close()
        for key, numbers in rows.items():
            device, is_new = self._device(key)
            if device.kind is not None:
                then = None if is_new else before.get(key)
                disks.append(disk(key[0], device.kind, device.counted, numbers, then, seconds))
        self._rows = tuple(disks)
        return self._rows

    def close(self) -> None:
        """Give the descriptors back."""
        for device in self._devices.values():
            device.diskseq.close()

    def _device(self, key: Key) -> tuple[_Device, bool]:
        """The device, and whether it is another one than in the reading before."""
        device = self._devices.get(key)
        if device is not None:
            seen = device.diskseq.maybe_read() if device.kind is not None else None
            if seen == device.seen:
                return device, False
            device.diskseq.close()
        directory = os.path.join(self._files.sys_root, "block", key[0].replace("/", "!"))
        diskseq = Attribute(self._files.budget, os.path.join(directory, "diskseq"))
        kind, counted = classify(key[0], directory)
        seen = diskseq.maybe_read() if kind is not None else None
        self._devices[key] = _Device(kind, counted, diskseq, seen)
        return self._devices[key], True


def classify(name: str, directory: str) -> tuple[str | None, bool]:
    """The kind of a device (None: not shown) and whether the totals count it, from its /sys/block directory."""
    match = NAME.match(name)
    kind = match.group(1) if match else "disk"
    if kind in HIDDEN_KINDS or not os.path.isdir(directory):  # no directory there: a partition
        return None, False
    if (maybe_read_once(os.path.join(directory, "hidden")) or b"0").strip() == b"1":
        return None, False
    if kind in VIRTUAL_KINDS:
        return kind, False
    try:
        slaves = os.listdir(os.path.join(directory, "slaves"))
    except OSError:
        slaves = []
    return kind, not slaves


def _with_multipath_heads(rows: Mapping[Key, Numbers]) -> Mapping[Key, Numbers]:
    """Before Linux 5.18 or so an NVMe head counts nothing, its paths do: then it gets their sum."""
    paths = [
        (match, numbers) for (name, _), numbers in rows.items() if (match := NVME_PATH.match(name))
    ]
    if not paths:
        return rows
    sums: dict[str, Numbers] = {}
    for match, numbers in paths:
        head = match.group(1) + match.group(2)
        sums[head] = tuple(map(sum, zip(sums.get(head, (0,) * COLUMNS), numbers, strict=True)))
    return {
        key: sums[key[0]] if key[0] in sums and not any(numbers) else numbers
        for key, numbers in rows.items()
    }


def deltas(numbers: Numbers, before: Numbers | None, seconds: float | None) -> Numbers | None:
    """How far each counter rose; None at first sight and when this is another device or a reset."""
    if before is None or seconds is None:
        return None
    rose = [now - then for now, then in zip(numbers, before, strict=True)]
    if any(rose[column] < 0 for column in STEADY_COLUMNS):
        return None
    wrapped = False
    for column in MS_COLUMNS:
        if rose[column] < 0:
            if before[column] >= rates.WRAP_32:
                return None
            rose[column] = rates.delta_wrapping_32(numbers[column], before[column])
            wrapped = True
    if wrapped and rose[MS_IO] > 2 * seconds * 1000 + 1000:
        return None
    return tuple(rose)


def disk(
    name: str,
    kind: str,
    counted: bool,
    numbers: Numbers,
    before: Numbers | None,
    seconds: float | None,
) -> Disk:
    """One row."""
    if numbers == before and seconds is not None:
        return Disk(name, kind, counted, *IDLE, numbers[IN_FLIGHT])
    rose = deltas(numbers, before, seconds)
    if rose is None or seconds is None:
        return Disk(name, kind, counted, in_flight=numbers[IN_FLIGHT])
    ms = seconds * 1000
    return Disk(
        name,
        kind,
        counted,
        rates.quotient(rose[SECTORS_READ] * SECTOR_BYTES, seconds),
        rates.quotient(rose[SECTORS_WRITTEN] * SECTOR_BYTES, seconds),
        rates.quotient(rose[READS], seconds),
        rates.quotient(rose[WRITES], seconds),
        rates.quotient(rose[MS_READING], rose[READS]),
        rates.quotient(rose[MS_WRITING], rose[WRITES]),
        rates.quotient(rose[MS_WEIGHTED], ms),
        rates.percent(rose[MS_IO], ms),
        numbers[IN_FLIGHT],
    )


def totals(disks: tuple[Disk, ...]) -> DiskTotals:
    """Sums over the counted disks whose rates are known."""
    counted = [row for row in disks if row.counted]
    return DiskTotals(
        rates.total(row.read_bytes_per_second for row in counted),
        rates.total(row.write_bytes_per_second for row in counted),
    )


class Disks(Protocol):
    """Who knows the rows."""

    def collect(self, now: Now) -> tuple[Disk, ...]: ...


class DiskTotalsSource:
    """Section ``disk``."""

    name = "disk"

    def __init__(self, disks: Disks) -> None:
        self._disks = disks

    def collect(self, now: Now) -> DiskTotals:
        """Raises what the section disks raises."""
        return totals(self._disks.collect(now))
