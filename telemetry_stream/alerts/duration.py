"""Durations in rules, in settings of receivers and in silences: a number and its unit, such as ``30s`` or ``1.5h``."""

from __future__ import annotations

import re

from .names import ExpressionError, shown

DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smhd])")
SECONDS_IN = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds_of(text: object, low: float, high: float) -> float:
    """Return a duration such as ``5m`` in seconds. Raises ExpressionError unless it is from ``low`` to ``high``."""
    match = DURATION.fullmatch(text) if isinstance(text, str) else None
    seconds = float(match[1]) * SECONDS_IN[match[2]] if match else -1.0
    if not low <= seconds <= high:
        raise ExpressionError(
            f"{shown(text)} must be a number and s, m, h or d, such as '30s' or '5m', "
            f"from {_written(low)} to {_written(high)}"
        )
    return seconds


def _written(seconds: float) -> str:
    """Return a duration in the largest unit of which it is a multiple."""
    unit = next((unit for unit in "dhm" if seconds and seconds % SECONDS_IN[unit] == 0), "s")
    return f"{seconds / SECONDS_IN[unit]:g}{unit}"
