"""The clocks of a sample."""

from __future__ import annotations

from telemetry_stream.metrics.source import Clock, Now


def test_the_usual_clocks_are_the_systems() -> None:
    """Boottime includes suspend, so it is never behind monotonic; realtime is after this was written."""
    clock = Clock()
    assert clock.boottime() >= clock.monotonic() - 0.001
    assert clock.realtime() > 1_700_000_000


def test_a_jitter_is_no_suspend() -> None:
    """Up to half a second between two clocks read one after the other is no sleep."""
    assert not Now(2, 1.0, 1.5, 0.0, suspended_seconds=0.5).was_suspended
    assert Now(2, 1.0, 1.6, 0.0, suspended_seconds=0.6).was_suspended
