"""The rules by which counters become rates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics import rates

U64 = st.integers(0, (1 << 64) - 1)


@pytest.mark.parametrize(
    ("current", "previous", "seconds", "expected"),
    [
        (150, 100, 2.0, 25.0),
        (100, 100, 1.0, 0.0),  # zero was measured
        (100, None, 1.0, None),  # first reading
        (99, 100, 1.0, None),  # reset
        (150, 100, None, None),  # first sample
        (150, 100, 0.0, None),  # no time passed
        (150, 100, -1.0, None),
        (100, 0, 3.0, 33.333),  # rounded to three decimals
        ((1 << 64) - 1, (1 << 64) - 1001, 1.0, 1000.0),  # subtracted as integers
    ],
)
def test_per_second(
    current: int, previous: int | None, seconds: float | None, expected: float | None
) -> None:
    """A rate is the rise divided by the measured time, or unknown."""
    assert rates.per_second(current, previous, seconds) == expected


@given(U64, st.none() | U64, st.none() | st.floats(-10, 1e6))
def test_a_rate_is_never_negative(
    current: int, previous: int | None, seconds: float | None
) -> None:
    """Whatever the counters do, a rate is None or at least 0."""
    rate = rates.per_second(current, previous, seconds)
    assert rate is None or rate >= 0


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (1, 3, 33.333),
        (0, 5, 0.0),
        (5, 5, 100.0),
        (7, 5, 100.0),
        (-1, 5, 0.0),
        (1, 0, None),
        (None, 1, None),
    ],
)
def test_percent_stays_between_0_and_100(
    part: float | None, whole: float, expected: float | None
) -> None:
    """It is limited. The percentage of nothing is unknown."""
    assert rates.percent(part, whole) == expected


def test_unbounded_percent_counts_cores() -> None:
    """Two busy cores are 200 percent of one."""
    assert rates.unbounded_percent(2.0, 1.0) == 200.0
    assert rates.unbounded_percent(None, 1.0) is None
    assert rates.unbounded_percent(1.0, None) is None


def test_a_quotient_that_exceeds_a_float_is_unknown() -> None:
    """No real counter has so many digits."""
    assert rates.quotient(10**400, 1.0) is None


def test_total_adds_the_known_values() -> None:
    """It is unknown only if none is known."""
    assert rates.total([1.5, None, 2.0]) == 3.5
    assert rates.total([None, None]) is None
    assert rates.total([]) is None


def test_previous_remembers_by_identity() -> None:
    """The mapping has only rows of the reading before. A row that is gone is forgotten."""
    previous: rates.Previous[str, int] = rates.Previous()
    assert previous.exchange({"a": 1}, 10.0) == ({}, None)
    assert previous.exchange({"b": 2}, 12.5) == ({"a": 1}, 2.5)
    assert previous.exchange({"b": 3}, 12.5) == ({"b": 2}, None)  # no time passed
    assert previous.exchange({"b": 4}, 13.0) == ({"b": 3}, 0.5)
