"""Disks between two readings of /proc/diskstats, worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources import disk
from telemetry_stream.metrics.sources.disk import (
    Disk,
    DisksSource,
    DiskTotals,
    DiskTotalsSource,
    parse,
)
from tests.metrics.trees import Tree, assert_sane, odd

SDA = (100, 5, 2000, 400, 50, 6, 1000, 300, 2, 600, 900)
LINES = b"""   8       0 sda 100 5 2000 400 50 6 1000 300 2 600 900 1 2 3 4 5 6
   8       1 sda1 90 5 1900 390 50 6 1000 300 0 500 800 1 2 3 4 5 6
   7       0 loop0 1 1 1 1 1 1 1 1 1 1 1
   1       0 ram0 1 1 1 1 1 1 1 1 1 1 1
"""


def line(name: str, numbers: tuple[int, ...], number: str = "8 0") -> str:
    """One line of /proc/diskstats."""
    return f" {number} {name} {' '.join(map(str, numbers))}\n"


def make(
    tree: Tree,
    *names: str,
    slaves: tuple[str, ...] = (),
    diskseq: int | None = None,
    hidden: int = 0,
) -> None:
    """Give these names a directory in /sys/block."""
    for name in names:
        tree.put(f"sys/block/{name}/hidden", f"{hidden}\n")
        for slave in slaves:
            tree.put(f"sys/block/{name}/slaves/{slave}", "")
        if diskseq is not None:
            tree.put(f"sys/block/{name}/diskseq", f"{diskseq}\n")


def change(numbers: tuple[int, ...], **by_column: int) -> tuple[int, ...]:
    """The numbers with some columns set."""
    changed = list(numbers)
    for name, value in by_column.items():
        changed[getattr(disk, name.upper())] = value
    return tuple(changed)


def pair(
    tree: Tree, before: str, after: str, *, seconds: float = 2.0
) -> tuple[dict[str, Disk], DiskTotals]:
    """The rows by name and the totals of the second of two readings."""
    source = DisksSource(tree.files)
    totals = DiskTotalsSource(source)
    tree.put("proc/diskstats", before)
    now = tree.tick()
    source.collect(now)
    totals.collect(now)
    tree.put("proc/diskstats", after)
    now = tree.tick(seconds)
    rows = {row.name: row for row in source.collect(now)}
    second = totals.collect(now)
    source.close()
    return rows, second


def test_parse() -> None:
    """Eleven numbers by name and device number; loop and ram devices are not worth their integers."""
    assert parse(LINES) == {
        ("sda", "8:0"): SDA,
        ("sda1", "8:1"): (90, 5, 1900, 390, 50, 6, 1000, 300, 0, 500, 800),
    }


@pytest.mark.parametrize("extra", [0, 4, 6, 9])
def test_columns_of_every_kernel(extra: int) -> None:
    """11 numbers, 15 since 4.18, 17 since 5.5, more one day; 4 for a partition of 2.6 is no row."""
    content = line("sda", SDA + (1,) * extra) + line("sda1", (1, 2, 3, 4), "8 1")
    assert parse(content.encode()) == {("sda", "8:0"): SDA}


def test_every_rate(tree: Tree) -> None:
    """In 2 s: 20 reads of 400 sectors (512 bytes) took 50 ms, 4 writes of 80 sectors 10 ms; busy 500 ms, weighted 600.

    Reads 400 x 512 / 2 = 102400 B/s at 10/s, 2.5 ms each; writes 20480 B/s at 2/s, 2.5 ms each; 600/2000 in the
    queue, 500/2000 = 25 % of the time.
    """
    make(tree, "sda")
    after = (120, 5, 2400, 450, 54, 6, 1080, 310, 1, 1100, 1500)
    rows, totals = pair(tree, line("sda", SDA), line("sda", after))
    assert rows == {
        "sda": Disk("sda", "disk", True, 102400.0, 20480.0, 10.0, 2.0, 2.5, 2.5, 0.3, 25.0, 1)
    }
    assert totals == DiskTotals(102400.0, 20480.0)


def test_the_first_reading_has_no_rates(tree: Tree) -> None:
    """Only what is in flight is known; totals of nothing are unknown."""
    make(tree, "sda")
    tree.put("proc/diskstats", line("sda", SDA))
    source = DisksSource(tree.files)
    now = tree.tick()
    assert source.collect(now) == (Disk("sda", "disk", True, in_flight=2),)
    assert DiskTotalsSource(source).collect(now) == DiskTotals(None, None)
    source.close()


def test_nothing_completed(tree: Tree) -> None:
    """Zero rates are measured zeroes, the wait of no request is unknown."""
    make(tree, "sda")
    rows, totals = pair(tree, line("sda", SDA), line("sda", SDA))
    assert rows["sda"] == Disk("sda", "disk", True, 0.0, 0.0, 0.0, 0.0, None, None, 0.0, 0.0, 2)
    assert totals == DiskTotals(0.0, 0.0)


@pytest.mark.parametrize("name", ["nvme0n1", "mmcblk0", "cciss!c0d0", "vda", "xvda1"])
def test_a_whole_disk_is_what_sysfs_says(tree: Tree, name: str) -> None:
    """Not what its last character says; a slash in a name is an exclamation mark in sysfs."""
    make(tree, name)
    shown = name.replace("!", "/")
    grown = change(SDA, sectors_read=2010)
    rows, totals = pair(tree, line(shown, SDA), line(shown, grown), seconds=1.0)
    assert rows[shown].counted
    assert totals.total_read_bytes_per_second == 5120.0


def test_every_byte_is_counted_once(tree: Tree) -> None:
    """LUKS on LVM on a partition: four lines move 10 sectors each, one disk's worth is counted; dm rows are shown."""
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


def test_a_disk_made_of_others_under_any_name_is_not_counted(tree: Tree) -> None:
    """bcache0 has slaves: its bytes are theirs."""
    make(tree, "bcache0", slaves=("sdb",))
    rows, _ = pair(tree, line("bcache0", SDA), line("bcache0", SDA))
    assert not rows["bcache0"].counted


def test_nvme_multipath(tree: Tree) -> None:
    """A hidden path is no disk; a head that counts nothing itself gets the sum of its paths, another keeps its own."""
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


def test_a_ms_column_wraps_at_32_bits(tree: Tree) -> None:
    """ms_weighted from 100 before its end to 500 past it is 600 in 2 s; the rest is as it is."""
    make(tree, "sda")
    before = change(SDA, ms_weighted=(1 << 32) - 100)
    rows, _ = pair(tree, line("sda", before), line("sda", change(before, ms_weighted=500)))
    assert rows["sda"].queue_depth == 0.3


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reads", 99),  # a count that falls is a reset
        ("sectors_written", 1),
        ("ms_io", 0),  # a wrap to 0 would mean 2^32 - 600 ms of work in 2 s
    ],
)
def test_a_fall_is_another_device_and_unknown_once(tree: Tree, column: str, value: int) -> None:
    """The whole row is unknown, and the totals with it; never a rate of trillions."""
    make(tree, "sda")
    after = change(SDA, **{column: value})
    rows, totals = pair(tree, line("sda", SDA), line("sda", after))
    assert rows["sda"] == Disk("sda", "disk", True, in_flight=2)
    assert totals == DiskTotals(None, None)


def test_a_64_bit_ms_column_that_falls_is_a_reset(tree: Tree) -> None:
    """What was above 2^32 cannot have wrapped there."""
    make(tree, "sda")
    before = change(SDA, ms_weighted=(1 << 32) + 5)
    rows, _ = pair(tree, line("sda", before), line("sda", SDA))
    assert rows["sda"].read_bytes_per_second is None


def test_the_same_name_with_another_number(tree: Tree) -> None:
    """dm-3 removed and made again as 253:7: first sight, even though every counter grew."""
    make(tree, "sda")
    grown = change(SDA, sectors_read=2010)
    rows, _ = pair(tree, line("sda", SDA, "8 0"), line("sda", grown, "8 16"))
    assert rows["sda"].read_bytes_per_second is None


def test_the_same_name_and_number_with_another_diskseq(tree: Tree) -> None:
    """Unplugged and plugged within a second: sysfs numbers the appearances of disks."""
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
    """sdb took its counters with it: the sum is over what is valid in both, never negative."""
    make(tree, "sda", "sdb")
    before = line("sda", SDA) + line("sdb", change(SDA, sectors_read=10**12), "8 16")
    rows, totals = pair(tree, before, line("sda", change(SDA, sectors_read=2010)), seconds=1.0)
    assert list(rows) == ["sda"]
    assert totals.total_read_bytes_per_second == 5120.0


def test_busy_for_longer_than_the_interval(tree: Tree) -> None:
    """2100 ms of work in 2 s, as jiffies count it, are 100 %."""
    make(tree, "sda")
    rows, _ = pair(tree, line("sda", SDA), line("sda", change(SDA, ms_io=2700)))
    assert rows["sda"].util_percent == 100.0


def test_in_flight_below_zero_and_other_nonsense() -> None:
    """Old kernels let in_flight fall below 0; a row with a negative counter costs that row only."""
    content = line("sda", change(SDA, in_flight=-1)) + line("sdb", change(SDA, reads=-1), "8 16")
    assert parse(content.encode()) == {("sda", "8:0"): change(SDA, in_flight=0)}


def test_without_sysfs_no_disk_is_guessed(tree: Tree) -> None:
    """What is a whole disk only sysfs knows: without it there are no rows, and nothing counted eight times."""
    rows, totals = pair(tree, LINES.decode(), LINES.decode())
    assert rows == {}
    assert totals == DiskTotals(None, None)


@given(odd(LINES))
def test_any_bytes(content: bytes) -> None:
    """Any bytes give rows of eleven counts or the one parse error."""
    try:
        rows = parse(content)
    except ParseError:
        return
    for numbers in rows.values():
        assert len(numbers) == 11
        assert min(numbers) >= 0


NUMBERS = st.tuples(*[st.integers(0, 1 << 64)] * 11)


@given(NUMBERS, NUMBERS, st.none() | st.floats(0.001, 1e5))
def test_any_two_readings_are_sane(
    before: tuple[int, ...], after: tuple[int, ...], seconds: float | None
) -> None:
    """Whatever the counters do: nothing negative, no share above 100."""
    assert_sane(disk.disk("sda", "disk", True, after, before, seconds))
