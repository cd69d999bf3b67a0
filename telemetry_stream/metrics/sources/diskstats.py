"""The counters of /proc/diskstats (Documentation/admin-guide/iostats.rst), and how much they rose.

    254 0 vda 8413 6026 1317506 3292 1284 9492 569144 1062 0 1496 4501 [discards x4 [flushes x2]]

A sector has 512 bytes, on 4Kn drives too. The ms columns are unsigned int on 64-bit kernels, too, and wrap; the others
do so on 32-bit kernels. Another fall is a reset of the disk. Only the ms columns may be inconsistent (each core counts
them without a lock), so that a fall of one of them loses nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .. import counters
from ..files import parser

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

NVME_PATH = re.compile(r"(nvme\d+)c\d+(n\d+)$")  # one path of a multipath head

SECTORS = counters.BYTES.over(SECTOR_BYTES)
LIMITS = tuple(
    SECTORS if column in (SECTORS_READ, SECTORS_WRITTEN) else counters.REQUESTS
    for column in range(COLUMNS)
)
# Requests overlap, so that their times together rise faster than the clock. A disk has some thousands under way at most
# (block/blk-mq.h: queues of up to 10240), and their time may be counted when they end.
MOST_REQUESTS = 65536

Numbers = tuple[int | None, ...]
Key = tuple[str, str]  # name, "major:minor"
Rows = Mapping[Key, Numbers]


@parser
def parse(content: bytes) -> Rows:
    """Return the rows by name and number. Rows with fewer than 11 numbers (partitions in Linux 2.6) are skipped.

    A number that is not a count is None.
    """
    rows: dict[Key, Numbers] = {}
    for line in content.split(b"\n"):
        if b" loop" in line or b" ram" in line or b" zram" in line:  # A host has dozens of them.
            continue
        words = line.split()
        if len(words) < COLUMNS + 3:
            continue
        numbers = counters.counts(words[3 : COLUMNS + 3])
        name = words[2].decode("utf-8", "replace")
        rows[
            name, f"{words[0].decode('ascii', 'replace')}:{words[1].decode('ascii', 'replace')}"
        ] = numbers
    return rows


def with_multipath_heads(rows: Rows) -> Rows:
    """Give a head the sum of its paths: before about Linux 5.18, an NVMe head counted nothing, only its paths did."""
    paths = [
        (match, numbers) for (name, _), numbers in rows.items() if (match := NVME_PATH.match(name))
    ]
    if not paths:
        return rows
    sums: dict[str, Numbers] = {}
    for match, numbers in paths:
        head = match.group(1) + match.group(2)
        sums[head] = _added(sums.get(head, (0,) * COLUMNS), numbers)
    return {
        key: sums[key[0]] if key[0] in sums and not any(numbers) else numbers
        for key, numbers in rows.items()
    }


def _added(one: Numbers, other: Numbers) -> Numbers:
    return tuple(
        None if first is None or second is None else first + second
        for first, second in zip(one, other, strict=True)
    )


def deltas(
    numbers: Numbers, before: Numbers | None, seconds: float | None, uptime: float
) -> Numbers | None:
    """Return how much each counter rose (None: unknown); None at the first reading and after a reset of the disk.

    No request takes longer than ``uptime``, in seconds.
    """
    if before is None or seconds is None:
        return None
    rose = list(map(counters.rise, numbers, before, (seconds,) * COLUMNS, LIMITS))
    most_ms = {
        MS_READING: (rose[READS] or 0) * uptime * 1000,
        MS_WRITING: (rose[WRITES] or 0) * uptime * 1000,
        # iostat sees more than 100 % busy, since the kernel samples the time once per tick. Twice is impossible.
        MS_IO: 2000 * seconds + 1000,
        MS_WEIGHTED: MOST_REQUESTS * seconds * 1000,
    }
    for column, most in most_ms.items():
        rose[column] = counters.rise_of_time(numbers[column], before[column], most)
    if None in rose and counters.was_reset(
        *([of[column] for column in STEADY_COLUMNS] for of in (numbers, before, rose))
    ):
        return None
    return tuple(rose)
