"""Records: slotted, equal by value, cheap."""

from __future__ import annotations

import dataclasses

import pytest

from telemetry_stream.metrics.frozen import frozen


@frozen
class Point:
    x: int
    y: int = 2


def test_a_record_is_a_slotted_dataclass() -> None:
    """Equal by value, with defaults and a readable repr; nothing can be added to it."""
    assert Point(1) == Point(1, 2)
    assert repr(Point(1)).endswith("Point(x=1, y=2)")
    assert [field.name for field in dataclasses.fields(Point(1))] == ["x", "y"]
    assert not hasattr(Point(1), "__dict__")


def test_a_changed_copy() -> None:
    """As of any dataclass; changing it in place is what mypy refuses."""
    assert dataclasses.replace(Point(1), y=5) == Point(1, 5)
    with pytest.raises(AttributeError):
        Point(1).z = 3  # type: ignore[attr-defined]
