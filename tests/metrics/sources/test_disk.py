"""Disks between two readings of /proc/diskstats, with values computed by hand. (What is a disk: test_disk_identity.)"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sources import disk
from telemetry_stream.metrics.sources.block_device import BlockDevice
from telemetry_stream.metrics.sources.disk import (
    Disk,
    DisksSource,
    DiskTotals,
    DiskTotalsSource,
    totals,
)
from tests.metrics.trees import Tree, assert_sane, opened_below

SDA = (100, 5, 2000, 400, 50, 6, 1000, 300, 2, 600, 900)
LINES = b"""   8       0 sda 100 5 2000 400 50 6 1000 300 2 600 900 1 2 3 4 5 6
   8       1 sda1 90 5 1900 390 50 6 1000 300 0 500 800 1 2 3 4 5 6
   7       0 loop0 1 1 1 1 1 1 1 1 1 1 1
   1       0 ram0 1 1 1 1 1 1 1 1 1 1 1
"""


def line(name: str, numbers: tuple[int, ...], number: str = "8 0") -> str:
    """Return one line of /proc/diskstats."""
    return f" {number} {name} {' '.join(map(str, numbers))}\n"


def make(
    tree: Tree,
    *names: str,
    slaves: tuple[str, ...] = (),
    diskseq: int | None = None,
    hidden: int = 0,
) -> None:
    """Make directories with these names in /sys/block."""
    for name in names:
        tree.put(f"sys/block/{name}/hidden", f"{hidden}\n")
        for slave in slaves:
            tree.put(f"sys/block/{name}/slaves/{slave}", "")
        if diskseq is not None:
            tree.put(f"sys/block/{name}/diskseq", f"{diskseq}\n")


def change(numbers: tuple[int, ...], **by_column: int) -> tuple[int, ...]:
    """Return the numbers with some columns set."""
    changed = list(numbers)
    for name, value in by_column.items():
        changed[getattr(disk, name.upper())] = value
    return tuple(changed)


def pair(
    tree: Tree, before: str, after: str, *, seconds: float = 2.0
) -> tuple[dict[str, Disk], DiskTotals]:
    """Return the rows by name and the totals of the second of two readings."""
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
    """Only the requests in flight are known. The totals are unknown."""
    make(tree, "sda")
    tree.put("proc/diskstats", line("sda", SDA))
    source = DisksSource(tree.files)
    now = tree.tick()
    assert source.collect(now) == (Disk("sda", "disk", True, in_flight=2),)
    assert DiskTotalsSource(source).collect(now) == DiskTotals(None, None)
    source.close()


def test_rates_are_zero_and_waits_unknown_if_nothing_completed(tree: Tree) -> None:
    """0 was measured, but no request has a waiting time."""
    make(tree, "sda")
    rows, totals = pair(tree, line("sda", SDA), line("sda", SDA))
    assert rows["sda"] == Disk("sda", "disk", True, 0.0, 0.0, 0.0, 0.0, None, None, 0.0, 0.0, 2)
    assert totals == DiskTotals(0.0, 0.0)


def test_a_ms_column_wraps_at_32_bits(tree: Tree) -> None:
    """ms_weighted from 100 before the wrap to 500 after it is 600 ms in 2 s."""
    make(tree, "sda")
    before = change(SDA, ms_weighted=(1 << 32) - 100)
    rows, _ = pair(tree, line("sda", before), line("sda", change(before, ms_weighted=500)))
    assert rows["sda"].queue_depth == 0.3


def test_a_disk_is_never_busy_for_more_than_the_interval(tree: Tree) -> None:
    """The kernel counts in jiffies: 2100 ms in 2 s are 100 %."""
    make(tree, "sda")
    rows, _ = pair(tree, line("sda", SDA), line("sda", change(SDA, ms_io=2700)))
    assert rows["sda"].util_percent == 100.0


NUMBERS = st.tuples(*[st.integers(0, 1 << 64)] * 11)


@given(NUMBERS, NUMBERS, st.none() | st.floats(0.001, 1e5))
def test_any_two_readings_are_sane(
    before: tuple[int, ...], after: tuple[int, ...], seconds: float | None
) -> None:
    """Whatever the counters do, nothing is negative and no percentage is above 100."""
    assert_sane(disk.disk("sda", "disk", True, after, before, seconds, 1e6))


def test_disks_that_count_have_a_row_among_many(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others have one as long as there is room. The totals are of all."""
    monkeypatch.setattr(disk, "MAX_ROWS", 3)  # instead of 64
    names = ["zd0", "zd16", "zd32", "zd48", "sda", "sdb"]
    make(tree, *names)
    lines = {name: line(name, SDA, f"230 {number}") for number, name in enumerate(names)}
    source = DisksSource(tree.files)

    def shown() -> list[str]:
        tree.put("proc/diskstats", "".join(lines.values()))
        now = tree.tick()
        rows = source.collect(now)
        assert DiskTotalsSource(source).collect(now) == totals(rows)
        return [row.name for row in rows]

    assert shown() == ["zd0", "zd16", "zd32", "sda", "sdb"]
    with opened_below(tree.sys) as opened:
        assert shown() == ["zd0", "zd16", "zd32", "sda", "sdb"]
    assert not any("zd48" in path for path in opened)
    for gone in ("zd0", "zd32", "sdb"):
        del lines[gone]
    assert shown() == ["zd16", "zd48", "sda"]
    assert source.collect(tree.tick())[1].read_bytes_per_second == 0.0
    source.close()


def test_the_totals_of_a_tick_fail_with_its_rows(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not those of the tick before."""
    make(tree, "sda")
    tree.put("proc/diskstats", line("sda", SDA))
    source = DisksSource(tree.files)
    totals = DiskTotalsSource(source)
    source.collect(tree.tick())
    now = tree.tick()
    with monkeypatch.context() as patch:
        patch.setattr(BlockDevice, "is_same", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            source.collect(now)
    with pytest.raises(ZeroDivisionError):
        totals.collect(now)
    assert totals.collect(tree.tick()) == DiskTotals(0.0, 0.0)
    source.close()
