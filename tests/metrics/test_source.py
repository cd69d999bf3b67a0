"""The contract of a source."""

from __future__ import annotations

import pytest

from telemetry_stream.metrics.source import Clock, Now, OncePerTick, is_on_demand
from tests.metrics.extra import ExtraSource, OnDemandSource
from tests.metrics.trees import Tree


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


def test_once_per_tick_calls_once_and_keeps_an_error_for_its_tick(tree: Tree) -> None:
    """The second caller of a tick gets the same value or error. No value of an earlier tick is returned."""
    calls = 0

    def make(now: Now) -> int:
        nonlocal calls
        calls += 1
        if now.tick == 2:
            raise ValueError("no")
        return now.tick

    once = OncePerTick(make)
    now = tree.tick()
    assert [once.get(now), once.get(now)] == [1, 1]
    now = tree.tick()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            once.get(now)
    assert once.get(tree.tick()) == 3
    assert calls == 3
