"""The text of an alert: values with their units, in words that a person reads at once."""

from __future__ import annotations

import pytest

from telemetry_stream.alerts.expression import Compiler
from telemetry_stream.alerts.logic import Rows
from telemetry_stream.alerts.names import ExpressionError, find_list
from telemetry_stream.alerts.wording import MAX_CHARACTERS, compile_wording, written
from tests.alerts.samples import filesystem


def test_values_are_written_with_their_units() -> None:
    """Of a field its own; of a calculation the one that follows it. The values are also given as numbers."""
    group, _ = find_list(["filesystems"], ())
    rows = Rows({})
    rows.row1 = filesystem("/srv", 93.25, available_bytes=3 * 2**30, used_bytes=2**40)
    text = "{mountpoint} is {used_percent} full, {available_bytes} left for {available_bytes / 1e6:seconds}"
    assert compile_wording(text, Compiler(group)).render(rows) == (
        "/srv is 93.2 % full, 3 GiB left for 53 min 41 s",
        {
            "mountpoint": "/srv",
            "used_percent": 93.25,
            "available_bytes": 3 * 2**30,
            "available_bytes / 1e6": 3221.225,
        },
    )


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "percent", "unknown"),
        (0, "percent", "0 %"),
        (99.96, "percent", "100 %"),
        (1023, "bytes", "1023 B"),
        (1024, "bytes", "1 KiB"),
        (1_500_000, "bytes_per_second", "1.43 MiB/s"),
        (2**62, "bytes", "4 EiB"),
        (0.5, "seconds", "0.5 s"),
        (59.6, "seconds", "1 min"),
        (3660, "seconds", "1 h 1 min"),
        (-90, "seconds", "-1 min 30 s"),
        (200_000, "seconds", "2 d 7 h"),
        (91.5, "celsius", "91.5 °C"),
        (120.4, "ms", "120 ms"),
        (12.345, "tasks", "12.3 tasks"),
        (0.000012, "", "0"),
        (123_456.7, "", "123457"),
        (True, "", "yes"),
        ("a\x1bb\u202e", "", "a\\x1bb\\u202e"),
        ("x" * 500, "", "x" * 128),
    ],
)
def test_written(value: object, unit: str, expected: str) -> None:
    """Three digits, binary multiples, two units of a time; texts of the host are escaped and cut."""
    assert written(value, unit) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{load.avg2}", "load has no field 'avg2'"),
        ("{load.avg1", "has a brace without its pair"),
        ("load.avg1}", "has a brace without its pair"),
        ("{}", "invalid syntax"),
        ("{load.avg1:furlongs}", "'furlongs' is not a unit (units: percent,"),
        ("{load.avg1}" * 9, "has more than 8 values in braces"),
        ("x" * (MAX_CHARACTERS + 1), "has 301 characters; at most 300 are allowed"),
    ],
)
def test_errors(text: str, reason: str) -> None:
    """One sentence with what is allowed."""
    with pytest.raises(ExpressionError) as caught:
        compile_wording(text, Compiler())
    assert reason in str(caught.value)
