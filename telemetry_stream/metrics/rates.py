"""The one place where counters become rates: first sight, reset, wrap, hot-plug, no time elapsed (metrics.md 0).

What cannot be known is None, never 0 and never a spike. Numbers are rounded to three decimals here,
once, so the wire stays short and what is decoded equals what was encoded. Pure functions, and
``Previous``, which remembers one reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

DECIMALS = 3
# Nothing here is negative, so int(x * SCALE + 0.5) rounds, at a third of what round() costs.
SCALE = 1000
WRAP_32 = 1 << 32
# A 32-bit counter is believed to have wrapped only from its last GiB on: a fall from anywhere else is a reset.
WRAP_32_FROM = WRAP_32 - (1 << 30)


def per_second(current: int, previous: int | None, seconds: float | None) -> float | None:
    """The rate of a 64-bit counter. A fall is a reset: not known in this interval."""
    if previous is None or seconds is None or seconds <= 0 or current < previous:
        return None
    return quotient(current - previous, seconds)


def delta(current: int, previous: int | None) -> int | None:
    """How far a counter rose; None at first sight and on a fall."""
    if previous is None or current < previous:
        return None
    return current - previous


def delta_wrapping_32(current: int, previous: int) -> int:
    """How far a counter rose that the kernel prints as unsigned int (the ms fields of diskstats)."""
    return (current - previous) % WRAP_32


def delta_maybe_32(current: int, previous: int | None) -> int | None:
    """How far a counter rose that is 64-bit today and 32-bit with old drivers (interfaces)."""
    if previous is None:
        return None
    if current >= previous:
        return current - previous
    if WRAP_32_FROM <= previous < WRAP_32:
        return current - previous + WRAP_32
    return None


def quotient(part: float | None, whole: float | None) -> float | None:
    """part / whole, rounded; None where either is not known, whole is not positive, or it would be no number."""
    if part is None or whole is None or whole <= 0:
        return None
    try:
        return int(part / whole * SCALE + 0.5) / SCALE
    except OverflowError:  # digits enough to leave a double: no counter of this world
        return None


def percent(part: float | None, whole: float | None) -> float | None:
    """100 × part / whole, between 0 and 100; None where it is not known."""
    if part is None or whole is None or whole <= 0:
        return None
    if part >= whole:
        return 100.0
    return int(100 * part / whole * SCALE + 0.5) / SCALE if part > 0 else 0.0


def percents(parts: Iterable[int], whole: int) -> list[float]:
    """As percent, for counts that make up a positive ``whole``: integers round faster than floats (a core has ten)."""
    twice, scale = 2 * whole, 200 * SCALE
    return [(part * scale + whole) // twice / SCALE for part in parts]


def unbounded_percent(part: float | None, whole: float | None) -> float | None:
    """100 × part / whole where 100 is not the end: CPU of a process or group, 100 = one core."""
    return None if part is None else quotient(100 * max(part, 0), whole)


def total(values: Iterable[float | None]) -> float | None:
    """The sum of what is known, None when nothing is: totals are sums of valid per-entity rates."""
    known = [value for value in values if value is not None]
    return round(sum(known), DECIMALS) if known else None


class Previous(Generic[K, V]):
    """The reading before this one, by identity, and when it was taken. One owner each: two readers need two."""

    __slots__ = ("_at", "_rows")

    def __init__(self) -> None:
        self._rows: Mapping[K, V] = {}
        self._at: float | None = None

    def exchange(self, rows: Mapping[K, V], at: float) -> tuple[Mapping[K, V], float | None]:
        """Remember ``rows`` read at the monotonic time ``at``; return those before and the seconds between.

        The seconds are None when there is no reading before, or no time has passed. What was not there before is not in
        the mapping returned; what has gone is forgotten.
        """
        rows_before, before = self._rows, self._at
        self._rows, self._at = rows, at
        if before is None or at <= before:
            return rows_before, None
        return rows_before, at - before
