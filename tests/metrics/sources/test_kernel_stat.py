"""The parser of /proc/stat."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.kernel_stat import KernelStat, parse
from tests.metrics.trees import assert_sane, odd

STAT = b"""cpu  10 2 6 200 4 0 2 0 1 0
cpu0 5 1 3 100 2 0 1 0 1 0
cpu3 5 1 3 100 2 0 1 0 0 0
intr 1048 9 0 0 7
ctxt 219922
btime 1763969000
processes 4711
procs_running 2
procs_blocked 1
softirq 88 1 2 3
"""


def test_cores_by_number_and_counters_by_name() -> None:
    """The summary line and unknown lines are ignored."""
    assert parse(STAT) == KernelStat(
        cores={0: (5, 1, 3, 100, 2, 0, 1, 0, 1, 0), 3: (5, 1, 3, 100, 2, 0, 1, 0, 0, 0)},
        context_switches=219922,
        interrupts=1048,
        forks=4711,
        boot_time_unix=1763969000,
        procs_running=2,
        procs_blocked=1,
    )


@pytest.mark.parametrize("columns", [4, 7, 8, 9, 10, 12])
def test_columns_of_every_kernel(columns: int) -> None:
    """Old kernels have 4, 7, 8 or 9 columns, and the missing ones are unknown. Additional ones are ignored."""
    numbers = list(range(1, columns + 1))
    line = b"cpu0 " + b" ".join(str(number).encode() for number in numbers)
    assert parse(line).cores[0] == tuple(([*numbers] + [None] * 10)[:10])


def test_a_long_intr_line_and_no_final_newline() -> None:
    """The counters behind a line of a hundred thousand bytes are found."""
    content = b"cpu0 1 2 3 4\nintr 77" + b" 0" * 60_000 + b"\nctxt 5"
    stat = parse(content)
    assert (stat.interrupts, stat.context_switches) == (77, 5)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"intr 5\n",
        b"cpu 1 2 3 4\n",
        b"cpu0 a b\n",
        b"cpux 1 2 3 4",
    ],
)
def test_invalid_content_is_a_parse_error(content: bytes) -> None:
    """No core, or no numbers."""
    with pytest.raises(ParseError):
        parse(content)


# seq_put_decimal_ull() prints a sum without a lock as unsigned; nr_iowait() and nr_running() are unsigned int since
# Linux 5.15. Some kernels print an int.
@pytest.mark.parametrize("number", [b"-1", b"18446744073709551615", b"4294967295", b"", b"x"])
def test_a_number_that_is_not_a_count_loses_only_its_field(number: bytes) -> None:
    """The other fields are those of the whole file."""
    whole = parse(STAT)
    assert parse(STAT.replace(b"procs_blocked 1", b"procs_blocked " + number)) == replace(
        whole, procs_blocked=None
    )
    if number != b"4294967295":  # a possible number of ticks and of forks
        broken = parse(STAT.replace(b"processes 4711", b"processes " + number))
        assert broken == replace(whole, forks=None)


def test_a_column_that_is_not_a_count_loses_only_its_place() -> None:
    """The other columns of the core are known."""
    assert parse(b"cpu0 1 -2 3 4 18446744073709551611\n").cores[0] == (
        *(1, None, 3, 4, None),
        *[None] * 5,
    )


@given(odd(STAT))
def test_any_bytes_are_parsed_or_a_parse_error(content: bytes) -> None:
    """No number is negative."""
    try:
        stat = parse(content)
    except ParseError:
        return
    assert stat.cores
    assert all(len(ticks) == 10 for ticks in stat.cores.values())
    assert_sane(stat)
