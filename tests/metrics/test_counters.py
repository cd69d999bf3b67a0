"""The rules by which a number of the kernel is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics import counters

U64 = st.integers(0, (1 << 64) - 1)
WRAP = 1 << 32


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (b"0", 0),
        (b"03944876", 3944876),  # decimal, not octal
        (b"9223372036854775807", (1 << 63) - 1),
        (b"9223372036854775808", None),  # the smallest negative number
        (b"18446744073709551615", None),  # -1 as unsigned
        (b"-1", None),
        (b"", None),
        (b"x", None),
        (b"+5", None),
        (b"1_000", None),
        (b"9" * 400, None),
    ],
)
def test_a_count_has_no_sign(word: bytes, expected: int | None) -> None:
    """In the text, or as an unsigned number."""
    assert counters.maybe_count(word) == expected
    assert counters.counts([b"7", word]) == (7, expected)


def test_a_count_has_a_largest_value() -> None:
    """nr_running() is unsigned int: -1 is printed as 2^32 - 1, which are more tasks than a kernel has."""
    assert counters.maybe_count(b"4294967295", counters.MOST_TASKS) is None
    assert counters.maybe_count(b"4194304", counters.MOST_TASKS) == 4194304


@pytest.mark.parametrize(
    ("current", "previous", "expected"),
    [
        (60, 50, 10),
        (60, None, None),  # the first reading
        (None, 50, None),
        (49, 50, None),  # a reset
        (50, WRAP - 100, 150),
        # A counter that falls by one did not wrap, however close to 2^32 it is.
        (WRAP - 2, WRAP - 1, None),
        (WRAP - (1 << 30), WRAP - 1, None),
        (50, 1 << 31, None),  # a reset from the middle
        (50, WRAP, None),  # a counter of 64 bits
        (0, WRAP - 25_000_000, None),  # more events than 10 Gbit/s has in a second
        ((1 << 64) - 1, 50, None),  # impossible
        (50 + (1 << 40), 50, None),
    ],
)
def test_a_counter_wraps_only_near_its_end_and_rises_only_as_far_as_possible(
    current: int | None, previous: int | None, expected: int | None
) -> None:
    """Events in one second."""
    assert counters.rise(current, previous, 1.0) == expected


def test_what_is_possible_depends_on_the_time_that_passed() -> None:
    """A gibibyte before the end of 32 bits: in a second that is 8.6 Gbit/s, in a tenth it is impossible."""
    before = WRAP - (1 << 30)
    assert counters.rise(0, before, 1.0, counters.BYTES) == 1 << 30
    assert counters.rise(0, before, 0.1, counters.BYTES) is None
    assert counters.rise(10**12, 0, 10.0, counters.BYTES) == 10**12
    assert counters.rise(10**12, 0, 1.0, counters.BYTES) is None
    for seconds in (None, 0.0, -1.0):
        assert counters.rise(60, 50, seconds) is None


@pytest.mark.parametrize(
    ("current", "previous", "expected"),
    [
        (60, 50, 10),
        (2050, 50, None),  # 2 s in one
        (49, 50, None),
        (454, WRAP - 96, 550),
        (WRAP - 2, WRAP - 1, None),
        (None, 1, None),
    ],
)
def test_a_time_rises_at_most_as_the_clock(
    current: int | None, previous: int | None, expected: int | None
) -> None:
    """Here at most 1500 ms."""
    assert counters.rise_of_time(current, previous, 1500.0) == expected


@given(U64 | st.none(), U64 | st.none(), st.none() | st.floats(-10, 1e6))
def test_a_rise_is_never_negative(
    current: int | None, previous: int | None, seconds: float | None
) -> None:
    """Nor more than the limit."""
    rose = counters.rise(current, previous, seconds)
    assert rose is None or 0 <= rose <= counters.EVENTS.per_second * (seconds or 0)


def test_one_counter_that_fell_was_a_reset_of_its_device() -> None:
    """One that is not a count, or rose impossibly far, was not."""
    assert counters.was_reset([1, 9], [5, 5], [None, 4])
    assert not counters.was_reset([None, 9], [5, 5], [None, 4])
    assert not counters.was_reset([1 << 62, 9], [5, 5], [None, 4])
    assert not counters.was_reset([5, 9], [WRAP - 5, 5], [10, 4])


def test_a_part_is_at_most_the_whole() -> None:
    """An unknown whole does not judge."""
    assert counters.at_most(5, 5) == 5
    assert counters.at_most(6, 5) is None
    assert counters.at_most(6, None) == 6
    assert counters.at_most(None, 5) is None
