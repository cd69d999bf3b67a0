"""Pressure stall information."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.pressure import Pressure, PressureSource, Stalls, parse
from tests.metrics.trees import Tree, assert_sane, odd

BOTH = b"""some avg10=3.00 avg60=19.52 avg300=13.94 total=92919312
full avg10=0.50 avg60=0.25 avg300=0.00 total=400
"""


def put(tree: Tree, resource: str, some: int | None, full: int | None) -> None:
    """Write one pressure file with these totals."""
    lines = [
        f"{kind} avg10=1.50 avg60=0.50 avg300=0.25 total={total}\n"
        for kind, total in (("some", some), ("full", full))
        if total is not None
    ]
    tree.put(f"proc/pressure/{resource}", "".join(lines))


def test_averages_and_total_of_each_line() -> None:
    """Three averages in percent, and the total in microseconds."""
    assert parse(BOTH) == {"some": (3.0, 19.52, 13.94, 92919312), "full": (0.5, 0.25, 0.0, 400)}


def test_shares_of_every_resource(tree: Tree) -> None:
    """300 ms of waiting in 2 s are 15 percent. cpu before 5.13 has no full line; irq has only that."""
    put(tree, "cpu", 1_000_000, None)
    put(tree, "memory", 0, 0)
    put(tree, "io", 500, 400)
    put(tree, "irq", None, 70)
    source = PressureSource(tree.files)
    first = source.collect(tree.tick())
    put(tree, "cpu", 1_300_000, None)
    put(tree, "io", 500, 200_400)
    second = source.collect(tree.tick(2.0))
    averages = (1.5, 0.5, 0.25)
    assert first is not None
    assert first.cpu == Stalls(*averages, 1_000_000)
    assert second == Pressure(
        cpu=Stalls(*averages, 1_300_000, 15.0),
        memory=Stalls(*averages, 0, 0.0, *averages, 0, 0.0),
        io=Stalls(*averages, 500, 0.0, *averages, 200_400, 10.0),
        irq=Stalls(None, None, None, None, None, *averages, 70, 0.0),
    )


def test_a_share_is_at_most_100(tree: Tree) -> None:
    """The kernel updates totals now and then: more µs than passed are 100 %. After a fall the share is unknown."""
    source = PressureSource(tree.files)
    shares = []
    for total in (0, 2_500_000, 100):
        put(tree, "io", total, None)
        record = source.collect(tree.tick())
        assert record is not None
        assert record.io is not None
        shares.append(record.io.some_percent)
    assert shares == [None, 100.0, None]


def test_a_kernel_without_psi_has_no_section(tree: Tree) -> None:
    """Before 4.20 there are no such files."""
    assert PressureSource(tree.files).collect(tree.tick()) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"some avg10=1 avg60=1 total=5",
        b"some avg10=x avg60=nan avg300=-1 total=-5",
        b"some word",
    ],
)
def test_invalid_content_is_a_parse_error(content: bytes) -> None:
    """No line, a missing key, or no numbers."""
    with pytest.raises(ParseError):
        parse(content)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"some avg10=x avg60=1 avg300=1 total=5", (None, 1.0, 1.0, 5)),
        (b"some avg10=nan avg60=1 avg300=-1 total=5", (None, 1.0, None, 5)),
        (b"some avg10=1 avg60=100.22 avg300=4294967.29 total=-5", (1.0, 100.0, None, None)),
    ],
)
def test_a_number_that_is_not_a_share_loses_only_its_place(
    line: bytes, expected: tuple[float | None, ...]
) -> None:
    """psi prints averages of a little over 100, and wraps below 0 (kernel/sched/psi.c, calc_avgs)."""
    assert parse(line) == {"some": expected}


def test_a_resource_that_cannot_be_read_loses_only_itself(tree: Tree) -> None:
    """The section fails only if none can be read."""
    put(tree, "io", 5, None)
    tree.put("proc/pressure/cpu", "gibberish\n")
    source = PressureSource(tree.files)
    record = source.collect(tree.tick())
    assert record is not None
    assert record.cpu is None
    assert record.io is not None
    tree.put("proc/pressure/io", "gibberish\n")
    with pytest.raises(ParseError):
        source.collect(tree.tick())


@given(odd(BOTH))
def test_any_bytes_are_parsed_or_a_parse_error(content: bytes) -> None:
    """No share of time is negative or above 100 %."""
    try:
        lines = parse(content)
    except ParseError:
        return
    for average10, average60, average300, total in lines.values():
        assert_sane(Stalls(average10, average60, average300, total))


def test_psi_that_is_switched_off_is_absent(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading gives EOPNOTSUPP. The files are not read again for half a minute."""
    for name in ("cpu", "memory", "io"):
        put(tree, name, 0, 0)
    reads = []

    def pread(_fd: int, _size: int, _offset: int) -> bytes:
        reads.append(1)
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "pread", pread)
    source = PressureSource(tree.files)
    for _ in range(30):
        assert source.collect(tree.tick()) is None
    assert len(reads) == 3
    assert source.collect(tree.tick()) is None
    assert len(reads) == 6
