"""The sparkline of one host: the last five minutes of the series that its row shows, at one sample per second."""

from __future__ import annotations

import math
from array import array
from typing import Any

from .remote import FIELDS, UNKNOWN_NUMBERS


class Sparkline:
    """The last 300 values of four series, in 3 KB: percentages in steps of a half, and rates.

    The arrays are rings, of which ``_next`` is the next place. So a value costs one assignment.
    """

    POINTS = 300
    PERCENTAGES = ("cpu", "memory")
    RATES = ("rx", "tx")
    UNKNOWN = 255

    def __init__(self) -> None:
        self._percentages = [
            (FIELDS.index(name), array("B", [self.UNKNOWN]) * self.POINTS)
            for name in self.PERCENTAGES
        ]
        self._rates = [
            (FIELDS.index(name), array("f", [math.nan]) * self.POINTS) for name in self.RATES
        ]
        self._next = 0
        self._count = 0

    def add(self, numbers: tuple[float | None, ...]) -> None:
        """Add one point to each series."""
        place = self._next
        for column, halves in self._percentages:
            value = numbers[column]
            if value is None:
                halves[place] = self.UNKNOWN
            elif 0 <= value <= 100:
                halves[place] = int(value * 2 + 0.5)
            else:
                halves[place] = 0 if value < 0 else 200
        for column, rates in self._rates:
            value = numbers[column]
            if value is None:
                rates[place] = math.nan
            elif 0 <= value <= 1e30:
                rates[place] = value
            else:
                rates[place] = 0.0 if value < 0 else 1e30
        self._next = (place + 1) % self.POINTS
        if self._count < self.POINTS:
            self._count += 1

    def skip(self, points: int) -> None:
        """Add points without values, because samples are missing."""
        for _ in range(min(points, self.POINTS)):
            self.add(UNKNOWN_NUMBERS)

    def report(self) -> dict[str, list[float | None]]:
        """Return the series by name, oldest value first."""
        found: dict[str, list[float | None]] = {}
        for name, (_, halves) in zip(self.PERCENTAGES, self._percentages, strict=True):
            found[name] = [
                None if half == self.UNKNOWN else half / 2 for half in self._in_order(halves)
            ]
        for name, (_, rates) in zip(self.RATES, self._rates, strict=True):
            found[name] = [
                None if math.isnan(rate) else round(rate) for rate in self._in_order(rates)
            ]
        return found

    def _in_order(self, ring: array[Any]) -> array[Any]:
        ordered = ring[self._next :] + ring[: self._next]
        return ordered[self.POINTS - self._count :]
