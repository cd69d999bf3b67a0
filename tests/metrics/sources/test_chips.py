"""Sensor chips and thermal zones: identity, and values that mean "not set"."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given

from telemetry_stream.metrics.sources import chips
from telemetry_stream.metrics.sources.chips import parse_millidegrees
from tests.metrics.sources.test_temperature import chip
from tests.metrics.trees import Tree, odd


def test_a_chip_that_was_replaced_before_it_is_read_has_no_value(tree: Tree) -> None:
    """A driver was loaded again, and another chip got the number."""
    chip(tree, 0, "nvme", "disk0", temp1_input="40000")
    found = chips.identify(f"{tree.sys}/class/hwmon/hwmon0")
    assert [reading.celsius for reading in chips.read(found)] == [40.0]
    tree.put("sys/class/hwmon/hwmon0/name", "k10temp\n")
    with pytest.raises(chips.ReplacedError):
        chips.read(found)


def test_a_chip_that_is_replaced_while_it_is_read_has_no_value(tree: Tree) -> None:
    """The value may be that of the other chip already."""
    chip(tree, 0, "nvme", "disk0", temp1_input="40000")
    found = chips.identify(f"{tree.sys}/class/hwmon/hwmon0")
    sensor = f"{tree.sys}/class/hwmon/hwmon0/temp1_input"
    replaced: list[bool] = []

    def replace(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and not replaced and str(arguments[0]) == sensor:
            replaced.append(True)
            tree.put("sys/class/hwmon/hwmon0/name", "k10temp\n")

    sys.addaudithook(replace)
    with pytest.raises(chips.ReplacedError):
        chips.read(found)
    assert replaced


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"45000\n", 45.0),
        (b"-5000", -5.0),
        (b"0", 0.0),
        (b"-273150", None),
        (b"1000000", None),
        (b"", None),
        (None, None),
        (b"hot", None),
    ],
)
def test_millidegrees(content: bytes | None, expected: float | None) -> None:
    """Degrees, or None for values that no sensor measures."""
    assert parse_millidegrees(content) == expected


@given(odd(b"45000\n", b"-273150\n"))
def test_any_bytes_are_a_temperature_or_none(content: bytes) -> None:
    """Between -273 and 1000 degrees."""
    celsius = parse_millidegrees(content)
    assert celsius is None or -273 < celsius < 1000
