"""Windows: the rate and the average of a number over a time, for each row of a list.

Strategy. An average is the rate of an integral, so both are the same computation: the difference between the present
value and the oldest point, divided by the time between them. A window keeps at most 62 points of each row, whatever the
interval of the samples is, and is computed only when a condition needs it. It is unknown until the points cover it, and
begins again after a gap of more than a tenth of it, because nothing is known of that time.

The times are those of the samples, in seconds (see engine.py).
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Hashable
from typing import Literal

from .logic import Rows, Value

Kind = Literal["rate", "average"]

POINTS = 60
GAP_SHARE = 0.1
MAX_SERIES = 256  # rows of a list; 2 KiB each


class _Series:
    """The points of one row, in the order of time. A point is due at ``due`` and missing after ``late``."""

    __slots__ = ("due", "integral", "known_at", "late", "times", "values")

    def __init__(self, now: float) -> None:
        self.times = array("d")
        self.values = array("d")
        self.due = self.late = now
        self.known_at = now
        self.integral = 0.0


class Window:
    """One ``rate(…)`` or ``average(…)`` of a rule. It is computed for the row that was given to ``advance`` last."""

    def __init__(self, kind: Kind, seconds: float, number: Value) -> None:
        self._is_average = kind == "average"
        self._seconds = seconds
        self._number = number
        self._series: dict[Hashable, _Series] = {}
        self._current: _Series | None = None
        self._now = 0.0
        self._result: float | None = None  # of the current row, if it is computed
        self._is_computed = False

    def advance(self, key: Hashable, rows: Rows, now: float, gap_seconds: float) -> None:
        """Note a row at this time. One beyond MAX_SERIES stays unknown.

        A time without a value is a gap if it is longer than ``gap_seconds`` and than a tenth of the window.
        """
        series = self._series.get(key)
        self._now, self._current, self._is_computed = now, series, False
        if series is not None and now < series.due and not self._is_average:
            return
        value = self._number(rows)
        if value is None:
            return
        if series is None or now > series.late:
            if series is None and len(self._series) >= MAX_SERIES:
                return
            series = self._current = self._series[key] = _Series(now)
        if self._is_average:
            series.integral += value * (now - series.known_at)
            series.known_at, value = now, series.integral
        if now >= series.due:
            times, values = series.times, series.values
            while len(times) > 1 and times[1] <= now - self._seconds:
                times.pop(0)
                values.pop(0)
            times.append(now)
            values.append(value)
            step = self._seconds / POINTS
            series.due = now + step
            series.late = now + step + max(gap_seconds, self._seconds * GAP_SHARE)

    def value(self, rows: Rows) -> float | None:
        """Return the rate or the average for the row; None while it is unknown. Severities share the result."""
        if not self._is_computed:
            self._result, self._is_computed = self._computed(rows), True
        return self._result

    def _computed(self, rows: Rows) -> float | None:
        series = self._current
        if series is None:
            return None
        value = self._number(rows)
        begin = series.times[0] if series.times else self._now
        if value is None or begin > self._now - self._seconds:
            return None
        if self._is_average:
            value = series.integral
        result: float = (value - series.values[0]) / (self._now - begin)
        return result

    def keep(self, keys: Collection[Hashable]) -> None:
        """Forget the rows that are not in ``keys``."""
        # The difference is found only if it matters: there would be no place for other rows.
        if len(self._series) > len(keys) or len(self._series) >= MAX_SERIES:
            for key in self._series.keys() - keys:
                del self._series[key]
