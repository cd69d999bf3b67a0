"""The contract of a source."""

from __future__ import annotations

from telemetry_stream.metrics.source import Clock, Now, is_on_demand
from tests.metrics.extra import ExtraSource, OnDemandSource


def test_the_default_clocks_are_those_of_the_system() -> None:
    """Boottime includes suspend, so it is never behind monotonic. Realtime is later than this line."""
    clock = Clock()
    assert clock.boottime() >= clock.monotonic() - 0.001
    assert clock.realtime() > 1_700_000_000


def test_half_a_second_is_no_suspend() -> None:
    """The clocks are read one after the other, so they differ slightly."""
    assert not Now(2, 1.0, 1.5, 0.0, suspended_seconds=0.5).was_suspended
    assert Now(2, 1.0, 1.6, 0.0, suspended_seconds=0.6).was_suspended


def test_a_source_is_not_on_demand_by_default() -> None:
    """A source of an embedding program need not have the attribute."""
    assert not is_on_demand(ExtraSource("mine", lambda _: None))
    assert is_on_demand(OnDemandSource("mine", lambda _: None))
