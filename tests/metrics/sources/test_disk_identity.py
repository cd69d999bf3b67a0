"""Which rows of /proc/diskstats are disks, which count, and which are another disk than before. (Rates: test_disk.)"""

from __future__ import annotations

import pytest

from telemetry_stream.metrics.sources.disk import Disk, DisksSource, DiskTotals
from tests.metrics.sources.test_disk import LINES, SDA, change, line, make, pair
from tests.metrics.trees import Tree


@pytest.mark.parametrize("name", ["nvme0n1", "mmcblk0", "cciss!c0d0", "vda", "xvda1"])
def test_sysfs_decides_what_is_a_whole_disk(tree: Tree, name: str) -> None:
    """The end of the name does not. A slash in a name is an exclamation mark in sysfs."""
    make(tree, name)
    shown = name.replace("!", "/")
    grown = change(SDA, sectors_read=2010)
    rows, totals = pair(tree, line(shown, SDA), line(shown, grown), seconds=1.0)
    assert rows[shown].counted
    assert totals.total_read_bytes_per_second == 5120.0


def test_every_byte_is_counted_once(tree: Tree) -> None:
    """LUKS on LVM on a partition: four rows move 10 sectors each, and the total is one disk's. dm has rows."""
    make(tree, "sda")
    make(tree, "dm-0", slaves=("sda3",))
    make(tree, "dm-1", slaves=("dm-0",))
    make(tree, "md0", slaves=("sda",))
    make(tree, "zram0", "sr0", "fd0", "loop1")
    names = {
        "sda": "8 0",
        "sda3": "8 3",
        "dm-0": "253 0",
        "dm-1": "253 1",
        "md0": "9 0",
        "zram0": "252 0",
        "sr0": "11 0",
        "fd0": "2 0",
    }
    grown = change(SDA, sectors_read=2010)
    rows, totals = pair(
        tree,
        "".join(line(name, SDA, number) for name, number in names.items()),
        "".join(line(name, grown, number) for name, number in names.items()),
        seconds=1.0,
    )
    assert {name: (row.kind, row.counted) for name, row in rows.items()} == {
        "sda": ("disk", True),
        "dm-0": ("dm", False),
        "dm-1": ("dm", False),
        "md0": ("md", False),
    }
    assert totals == DiskTotals(5120.0, 0.0)


def test_a_device_with_slaves_is_not_counted(tree: Tree) -> None:
    """bcache0 repeats the bytes of its members, and its name is of no known kind."""
    make(tree, "bcache0", slaves=("sdb",))
    rows, _ = pair(tree, line("bcache0", SDA), line("bcache0", SDA))
    assert not rows["bcache0"].counted


def test_an_nvme_head_without_counts_has_the_sum_of_its_paths(tree: Tree) -> None:
    """The paths are hidden. A head that counts keeps its own numbers."""
    make(tree, "nvme0n1", "nvme1n1")
    make(tree, "nvme0c0n1", "nvme0c1n1", "nvme1c2n1", hidden=1)
    grown = change(SDA, sectors_read=2010)

    def lines(numbers: tuple[int, ...]) -> str:
        return "".join(
            [
                line("nvme0c0n1", numbers, "0 0"),
                line("nvme0c1n1", numbers, "0 0"),
                line("nvme0n1", (0,) * 11, "259 0"),
                line("nvme1c2n1", numbers, "0 0"),
                line("nvme1n1", numbers, "259 1"),
            ]
        )

    rows, totals = pair(tree, lines(SDA), lines(grown), seconds=1.0)
    assert {name: row.read_bytes_per_second for name, row in rows.items()} == {
        "nvme0n1": 10240.0,
        "nvme1n1": 5120.0,
    }
    assert totals.total_read_bytes_per_second == 15360.0


def test_without_sysfs_there_are_no_disks(tree: Tree) -> None:
    """Disks cannot be distinguished from partitions, which would be counted again."""
    rows, totals = pair(tree, LINES.decode(), LINES.decode())
    assert rows == {}
    assert totals == DiskTotals(None, None)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reads", 99),  # a count that falls was reset
        ("sectors_written", 1),
    ],
)
def test_a_counter_that_falls_makes_the_row_unknown_once(
    tree: Tree, column: str, value: int
) -> None:
    """And the totals with it. There is never a rate of trillions."""
    make(tree, "sda")
    after = change(SDA, **{column: value})
    rows, totals = pair(tree, line("sda", SDA), line("sda", after))
    assert rows["sda"] == Disk("sda", "disk", True, in_flight=2)
    assert totals == DiskTotals(None, None)


# Documentation/admin-guide/iostats.rst: the ms fields are unsigned int and wrap; cores count them without a lock.
@pytest.mark.parametrize(
    ("column", "before", "after", "field"),
    [
        ("ms_io", 600, 0, "util_percent"),  # a wrap would mean 2^32 - 600 ms of work in 2 s
        ("ms_io", 600, 90_000, "util_percent"),
        ("ms_weighted", (1 << 32) + 5, 4, "queue_depth"),  # too large for a field of 32 bits
        ("ms_weighted", 935_043_132, 935_043_131, "queue_depth"),
        ("ms_weighted", (1 << 32) - 1, (1 << 32) - 2, "queue_depth"),
        ("ms_reading", 3292, 3291, "read_await_ms"),
        ("ms_io", -1, 600, "util_percent"),
    ],
)
def test_a_time_that_is_inconsistent_loses_only_its_field(
    tree: Tree, column: str, before: int, after: int, field: str
) -> None:
    """The counts of the same disk are known."""
    make(tree, "sda")
    grown = change(SDA, reads=SDA[0] + 2, sectors_read=SDA[2] + 16)
    lines = [
        line("sda", change(SDA, **{column: before})),
        line("sda", change(grown, **{column: after})),
    ]
    rows, _ = pair(tree, *lines)
    assert rows["sda"].reads_per_second == 1.0
    assert getattr(rows["sda"], field) is None
    others = {"util_percent", "queue_depth"} - {field}
    assert all(getattr(rows["sda"], other) is not None for other in others)


# iostats.rst: the other fields are unsigned long, so that they wrap at 2^32 on 32-bit kernels.
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((1 << 32) - 10, 90, 25600.0),  # 100 sectors in 2 s
        ((1 << 32) - 1, (1 << 32) - 2, None),
        ((1 << 32) - (1 << 29), 5, None),  # 256 GiB in 2 s
        (1 << 40, (1 << 63) + 1, None),
        (1 << 40, 1 << 45, None),  # faster than any disk
    ],
)
def test_sectors_wrap_on_32_bit_kernels(
    tree: Tree, before: int, after: int, expected: float | None
) -> None:
    """Only from close to the end, and only as far as such a disk can read."""
    make(tree, "sda")
    lines = [line("sda", change(SDA, sectors_read=each)) for each in (before, after)]
    rows, totals = pair(tree, *lines)
    assert rows["sda"].read_bytes_per_second == expected
    assert totals.total_read_bytes_per_second == expected


def test_the_same_name_with_another_number_is_another_disk(tree: Tree) -> None:
    """dm-3 was removed and made again as 253:7: its rates are null, although every counter grew."""
    make(tree, "sda")
    grown = change(SDA, sectors_read=2010)
    rows, _ = pair(tree, line("sda", SDA, "8 0"), line("sda", grown, "8 16"))
    assert rows["sda"].read_bytes_per_second is None


def test_the_same_name_and_number_with_another_diskseq_is_another_disk(tree: Tree) -> None:
    """A disk was unplugged and plugged in within a second. sysfs counts the appearances of disks."""
    make(tree, "sda", diskseq=9)
    source = DisksSource(tree.files)
    tree.put("proc/diskstats", line("sda", SDA))
    source.collect(tree.tick())
    grown = change(SDA, sectors_read=2010)
    tree.put("proc/diskstats", line("sda", grown))
    make(tree, "sda", diskseq=12)
    assert source.collect(tree.tick())[0].read_bytes_per_second is None
    assert source.collect(tree.tick())[0].read_bytes_per_second == 0.0
    source.close()


def test_a_vanished_disk_is_absent_and_the_totals_go_on(tree: Tree) -> None:
    """sdb is gone. The sum is over the disks that are valid in both readings, and never negative."""
    make(tree, "sda", "sdb")
    before = line("sda", SDA) + line("sdb", change(SDA, sectors_read=10**12), "8 16")
    rows, totals = pair(tree, before, line("sda", change(SDA, sectors_read=2010)), seconds=1.0)
    assert list(rows) == ["sda"]
    assert totals.total_read_bytes_per_second == 5120.0
