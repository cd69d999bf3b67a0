"""Durations with their units."""

from __future__ import annotations

import pytest

from telemetry_stream.alerts.duration import seconds_of
from telemetry_stream.alerts.names import ExpressionError


def test_durations() -> None:
    """Seconds, minutes, hours and days, within limits."""
    assert [seconds_of(text, 0, 1e6) for text in ("0s", "90s", "1.5m", "2h", "1d")] == [
        0, 90, 90, 7200, 86_400,
    ]  # fmt: skip
    for wrong in ("5", "5 m", "m", "-5m", "", 5, None, "5w", "9999999s"):
        with pytest.raises(ExpressionError, match="must be a number and s, m, h or d"):
            seconds_of(wrong, 0, 1e6)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.0, 3600.0, "from 0s to 1h"),
        (1, 366 * 86_400, "from 1s to 366d"),
        (60.0, 30 * 86_400.0, "from 1m to 30d"),
        (90.0, 5400.0, "from 90s to 90m"),
    ],
)
def test_limits_have_the_units_of_durations(low: float, high: float, shown: str) -> None:
    """So they can be used as they are shown."""
    for wrong in ("5", "999999d"):
        with pytest.raises(ExpressionError, match=f"{shown}$"):
            seconds_of(wrong, low, high)
