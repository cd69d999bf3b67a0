"""The parser of /proc/stat."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.kernel_stat import KernelStat, parse
from tests.metrics.trees import odd

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
    """Old kernels have 4, 7, 8 or 9 columns, and the missing ones are 0. Additional ones are ignored."""
    numbers = list(range(1, columns + 1))
    line = b"cpu0 " + b" ".join(str(number).encode() for number in numbers)
    assert parse(line).cores[0] == tuple((numbers + [0] * 10)[:10])


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
        b"cpu0 1 2\n",
        b"cpu0 1 2 x 4\n",
        b"cpu0 -1 2 3 4\n",
        b"cpux 1 2 3 4",
    ],
)
def test_invalid_content_is_a_parse_error(content: bytes) -> None:
    """No core, too few columns, or no numbers."""
    with pytest.raises(ParseError):
        parse(content)


@given(odd(STAT))
def test_any_bytes_are_parsed_or_a_parse_error(content: bytes) -> None:
    """No number is negative."""
    try:
        stat = parse(content)
    except ParseError:
        return
    assert stat.cores
    assert all(len(ticks) == 10 and min(ticks) >= 0 for ticks in stat.cores.values())
