"""Counters become rates here, and only here. counters.py decides how much a counter rose.

An unknown rate is None, never 0 and never a spike. Numbers are rounded to three decimals here and nowhere else, so that
they are short on the wire and equal after decoding. All functions are pure; ``Previous`` keeps one reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from . import counters

K = TypeVar("K")
V = TypeVar("V")

DECIMALS = 3
# Nothing here is negative, so int(x * SCALE + 0.5) rounds. It costs a third of round().
SCALE = 1000


def per_second(
    current: int | None,
    previous: int | None,
    seconds: float | None,
    limit: counters.Limit = counters.EVENTS,
) -> float | None:
    """Return the rate of a counter, or None if ``counters.rise`` returns None."""
    return quotient(counters.rise(current, previous, seconds, limit), seconds)


def quotient(part: float | None, whole: float | None) -> float | None:
    """Return part / whole, rounded; None if one is unknown, whole is not positive, or the result exceeds a float."""
    if part is None or whole is None or whole <= 0:
        return None
    try:
        return int(part / whole * SCALE + 0.5) / SCALE
    except OverflowError:  # More digits than a float can hold: not a real counter.
        return None


def percent(part: float | None, whole: float | None) -> float | None:
    """Return 100 × part / whole, limited to 0 to 100; None if it is unknown."""
    if part is None or whole is None or whole <= 0:
        return None
    if part >= whole:
        return 100.0
    return int(100 * part / whole * SCALE + 0.5) / SCALE if part > 0 else 0.0


def percents(parts: Iterable[int], whole: int) -> list[float]:
    """Return the percentages of counts that add up to a positive ``whole``.

    Integers round faster than floats, and each core has ten shares.
    """
    twice, scale = 2 * whole, 200 * SCALE
    return [(part * scale + whole) // twice / SCALE for part in parts]


def unbounded_percent(part: float | None, whole: float | None) -> float | None:
    """Return 100 × part / whole without an upper limit: CPU of a process or a group, where 100 is one core."""
    return None if part is None else quotient(100 * max(part, 0), whole)


def total(values: Iterable[float | None]) -> float | None:
    """Return the sum of the known values, or None if none is known."""
    known = [value for value in values if value is not None]
    return round(sum(known), DECIMALS) if known else None


class Previous(Generic[K, V]):
    """The reading before the current one, by identity, and its time. Each user needs one of its own."""

    __slots__ = ("_at", "_rows")

    def __init__(self) -> None:
        self._rows: Mapping[K, V] = {}
        self._at: float | None = None

    def exchange(self, rows: Mapping[K, V], at: float) -> tuple[Mapping[K, V], float | None]:
        """Keep ``rows``, read at the monotonic time ``at``; return the rows before and the seconds between.

        The seconds are None if there is no reading before, or if no time has passed. The mapping that is returned holds
        only what the reading before had; what is no longer in ``rows`` is forgotten.
        """
        rows_before, before = self._rows, self._at
        self._rows, self._at = rows, at
        if before is None or at <= before:
            return rows_before, None
        return rows_before, at - before
