"""What a source says of a section that is too old."""

from __future__ import annotations

import dataclasses

import pytest

from telemetry_stream.metrics.stale import Stale


def test_it_holds_the_newest_there_is_and_its_age() -> None:
    """A value: it does not change after it was returned. (What the collector makes of it: test_collector_trouble.)"""
    stale = Stale({"x": 1}, 7.5)
    assert (stale.section, stale.age_seconds) == ({"x": 1}, 7.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        stale.age_seconds = 8.0  # type: ignore[misc]
