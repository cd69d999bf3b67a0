"""The front ends: their leases and limits."""

from __future__ import annotations

from telemetry_stream.mqtt.fronts import MAX_FRONTS, Fronts
from telemetry_stream.mqtt.messages import Want


def want(front: str, *sections: str, seconds: float = 30.0) -> Want:
    """Return a lease."""
    return Want(front, frozenset(sections), seconds)


def test_a_lease_lasts_as_long_as_it_is_renewed() -> None:
    """30 s after the last request of the last front end, nothing is wanted."""
    fronts = Fronts()
    assert fronts.maybe_wanted(0.0) is None
    assert fronts.lease(want("a"), 0.0)
    assert fronts.maybe_wanted(29.9) == frozenset()
    assert fronts.lease(want("a"), 10.0)
    assert fronts.maybe_wanted(39.9) == frozenset()
    assert fronts.maybe_wanted(40.0) is None


def test_leases_are_put_together() -> None:
    """Each front end has one, which a new request replaces and 0 seconds end."""
    fronts = Fronts()
    fronts.lease(want("a", "processes"), 0.0)
    fronts.lease(want("b", "rare"), 0.0)
    assert fronts.maybe_wanted(1.0) == frozenset({"processes", "rare"})
    fronts.lease(want("b"), 1.0)
    assert fronts.maybe_wanted(1.0) == frozenset({"processes"})
    fronts.lease(want("a", seconds=0), 1.0)
    assert fronts.maybe_wanted(1.0) == frozenset()
    fronts.lease(want("b", seconds=0), 1.0)
    assert fronts.maybe_wanted(1.0) is None


def test_there_are_at_most_sixteen() -> None:
    """One that was silent for 30 s and has no lease makes room."""
    fronts = Fronts()
    for number in range(MAX_FRONTS):
        assert fronts.lease(want(f"f{number}", seconds=10.0 + number), 0.0)
    assert not fronts.lease(want("more"), 29.0)
    assert not fronts.may_ask("more", 29.0)
    assert fronts.lease(want("f0"), 29.0)
    assert fronts.lease(want("more"), 31.0)
    accepted = [fronts.lease(want(f"next{number}"), 31.0) for number in range(MAX_FRONTS)]
    assert sum(accepted) == MAX_FRONTS - 2  # the others have made room


def test_each_may_ask_once_per_second() -> None:
    """However many there are."""
    fronts = Fronts()
    assert fronts.may_ask("a", 5.0)
    assert fronts.may_ask("b", 5.0)
    assert not fronts.may_ask("a", 5.9)
    assert fronts.may_ask("a", 6.0)
