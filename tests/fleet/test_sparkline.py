"""The series of a sparkline, and its size."""

from __future__ import annotations

import sys

from telemetry_stream.fleet.remote import UNKNOWN_NUMBERS
from telemetry_stream.fleet.sparkline import Sparkline


def test_the_newest_value_is_the_last() -> None:
    """Percentages are kept in steps of a half, rates as whole numbers; unknown values and missing samples are null."""
    sparkline = Sparkline()
    assert sparkline.report() == {"cpu": [], "memory": [], "rx": [], "tx": []}
    sparkline.add((12.3, 50.0, *(None,) * 5, 1000.4, None, None))
    sparkline.skip(1)
    sparkline.add(UNKNOWN_NUMBERS)
    sparkline.add((100.0, 0.0, *(None,) * 5, 7.0, 8.0, None))
    assert sparkline.report() == {
        "cpu": [12.5, None, None, 100.0],
        "memory": [50.0, None, None, 0.0],
        "rx": [1000, None, None, 7],
        "tx": [None, None, None, 8],
    }


def test_a_sparkline_is_bounded() -> None:
    """300 points of each series in less than 4 KB, whatever comes."""
    sparkline = Sparkline()
    numbers: tuple[float | None, ...] = (-5.0, 1e200, *(None,) * 5, 1e200, -1.0, None)
    sparkline.skip(10**9)
    for _ in range(1000):
        sparkline.add(numbers)
    series = sparkline.report()
    assert {len(values) for values in series.values()} == {300}
    assert (series["cpu"][0], series["memory"][0], series["tx"][0]) == (0.0, 100.0, 0)
    arrays = [ring for _, ring in (*sparkline._percentages, *sparkline._rates)]
    assert sum(map(sys.getsizeof, arrays)) < 3700
