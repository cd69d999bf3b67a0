"""The parser of /proc/diskstats. (What its counters mean: test_disk, test_disk_identity.)"""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.diskstats import parse, with_multipath_heads
from tests.metrics.sources.test_disk import LINES, SDA, change, line
from tests.metrics.trees import assert_sane, odd


def test_rows_are_by_name_and_number() -> None:
    """Each has eleven numbers. Loop and ram devices are skipped."""
    assert parse(LINES) == {
        ("sda", "8:0"): SDA,
        ("sda1", "8:1"): (90, 5, 1900, 390, 50, 6, 1000, 300, 0, 500, 800),
    }


@pytest.mark.parametrize("extra", [0, 4, 6, 9])
def test_columns_of_every_kernel(extra: int) -> None:
    """11 numbers, 15 since 4.18, 17 since 5.5, and perhaps more. A partition in 2.6 has 4 and is skipped."""
    content = line("sda", SDA + (1,) * extra) + line("sda1", (1, 2, 3, 4), "8 1")
    assert parse(content.encode()) == {("sda", "8:0"): SDA}


def test_negative_numbers() -> None:
    """in_flight was negative in old kernels. A number that is not a count loses only its place."""
    content = line("sda", change(SDA, in_flight=-1)) + line("sdb", change(SDA, reads=-1), "8 16")
    assert parse(content.encode()) == {
        ("sda", "8:0"): (*SDA[:8], None, *SDA[9:]),
        ("sdb", "8:16"): (None, *SDA[1:]),
    }


@given(odd(LINES))
def test_any_bytes_are_parsed_or_a_parse_error(content: bytes) -> None:
    """Rows have eleven counts."""
    try:
        rows = parse(content)
    except ParseError:
        return
    for numbers in rows.values():
        assert len(numbers) == 11
        assert_sane(numbers)


def test_a_multipath_head_that_counts_keeps_its_numbers() -> None:
    """One without counts gets the sum of its paths."""
    head, path, other = ("nvme0n1", "259:0"), ("nvme0c0n1", "0:0"), ("nvme0c1n1", "0:0")
    rows = {head: (1,) * 11, path: (5,) * 11, other: (6,) * 11}
    assert with_multipath_heads(rows) == rows
    assert with_multipath_heads({**rows, head: (0,) * 11}) == {**rows, head: (11,) * 11}
