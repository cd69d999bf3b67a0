"""Rates and averages over a time: when they are known, what they are, and how much memory they take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from telemetry_stream.alerts.logic import Rows
from telemetry_stream.alerts.windows import MAX_SERIES, POINTS, Window

GAP_SECONDS = 5.0


def number(rows: Rows) -> Any:
    """Return the row, which is a number here."""
    return rows.row1


def results(
    window: Window, values: Iterable[float | None], *, begin: float = 0.0, step: float = 1.0
) -> list[float | None]:
    """Return the results for values that come one after the other."""
    rows, found = Rows({}), []
    for i, value in enumerate(values):
        rows.row1 = value
        window.advance("row", rows, begin + i * step, GAP_SECONDS)
        found.append(window.value(rows))
    return found


def test_a_rate_is_unknown_until_the_window_is_covered() -> None:
    """Then it is the difference by the time, for a number that rises and falls too."""
    found = results(Window("rate", 60.0, number), [2.0 * second for second in range(120)])
    assert found[:60] == [None] * 60
    assert found[60:] == pytest.approx([2.0] * 60)
    falling = results(Window("rate", 60.0, number), [-0.5 * second for second in range(90)])
    assert falling[-1] == pytest.approx(-0.5)


def test_an_average_counts_each_value_by_its_time() -> None:
    """Also those between two points: 5 minutes have 60 points, and every fifth second is one."""
    spikes = [100.0 if second % 5 == 3 else 0.0 for second in range(400)]
    found = results(Window("average", 300.0, number), spikes)
    assert found[299] is None
    assert found[399] == pytest.approx(20.0, abs=0.5)


@pytest.mark.parametrize("kind", ["rate", "average"])
def test_a_short_unknown_time_is_bridged(kind: Any) -> None:
    """While the value is unknown, so is the result; afterwards it is known again."""
    values: list[float | None] = [float(second) for second in range(200)]
    values[150:154] = [None] * 4
    found = results(Window(kind, 60.0, number), values)
    assert found[150:154] == [None] * 4
    assert found[154] == pytest.approx(1.0 if kind == "rate" else 124.0, abs=1.1)


@pytest.mark.parametrize("kind", ["rate", "average"])
def test_a_long_gap_begins_the_window_again(kind: Any) -> None:
    """More than a tenth of the window: nothing is known of that time."""
    window = Window(kind, 60.0, number)
    assert results(window, [1.0] * 80)[-1] is not None
    after = results(window, [1.0] * 70, begin=80 + 10.0)
    assert after[:60] == [None] * 60
    assert after[61] is not None


def test_samples_that_are_far_apart_are_no_gap() -> None:
    """At the idle interval, a window of a minute has few points."""
    window, rows = Window("rate", 60.0, number), Rows({})
    for i in range(5):
        rows.row1 = 20.0 * i
        window.advance("row", rows, 20.0 * i, 60.0)
    assert window.value(rows) == pytest.approx(1.0)


def test_memory_is_limited() -> None:
    """Points of a row, whatever the interval, and rows; a row that is gone is forgotten."""
    window, rows = Window("rate", 60.0, number), Rows({})
    results(window, [1.0] * 2000, step=0.1)
    assert len(window._series["row"].times) <= POINTS + 2
    rows.row1 = 1.0
    for key in range(MAX_SERIES + 10):
        window.advance(key, rows, 200.0, GAP_SECONDS)
    assert len(window._series) == MAX_SERIES
    assert window.value(rows) is None
    window.keep({1, 2})
    assert set(window._series) == {1, 2}


def test_rows_that_are_gone_make_room_in_a_list_that_is_too_long() -> None:
    """The list always has more rows than are kept, and all of them are replaced."""
    window, rows = Window("rate", 60.0, number), Rows({})
    rows.row1, known = 1.0, 0
    for second in range(130):
        keys = range(300) if second < 65 else range(300, 600)
        known = 0
        for key in keys:
            window.advance(key, rows, float(second), GAP_SECONDS)
            known += window.value(rows) is not None
        window.keep(set(keys))
    assert known == len(window._series) == MAX_SERIES


def test_rows_do_not_affect_each_other() -> None:
    """Each has its own points."""
    window, rows = Window("rate", 10.0, number), Rows({})
    for second in range(20):
        for key, slope in (("a", 1.0), ("b", 3.0)):
            rows.row1 = slope * second
            window.advance(key, rows, float(second), GAP_SECONDS)
            if second > 11:
                assert window.value(rows) == pytest.approx(slope)
