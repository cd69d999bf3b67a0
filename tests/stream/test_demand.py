"""What is collected, and how often, follows from what viewers demand; with a clock that the test moves."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_stream.stream.demand import LINGER_SECONDS, Demand
from tests.stream.streaming import Clock

DEFAULT = ("cpu", "tcp")


class Paced:
    """A demand with the idle interval 30 s (normal: 1 s), its clock, and the intervals that it asked for."""

    def __init__(self, idle_interval_seconds: float = 30.0) -> None:
        self.clock = Clock()
        self.intervals: list[float] = []
        self.demand = Demand(
            default_sections=DEFAULT,
            interval_seconds=1.0,
            idle_interval_seconds=idle_interval_seconds,
            on_interval=self.intervals.append,
            monotonic=self.clock,
        )

    def tick(self, *watched: Any) -> float:
        """Make a tick with these choices of connected viewers; return the interval from now on."""
        self.demand.tick(watched)
        return self.demand.interval_seconds


# Which sections.


def test_nothing_is_wanted_at_first() -> None:
    """On-demand sections cost nothing on a host without viewers."""
    assert Paced().demand.wanted() == frozenset()


def test_sections_are_wanted_for_a_few_seconds_after_a_request() -> None:
    """So a page that reloads finds them; then they are not collected any more."""
    paced = Paced()
    paced.demand.want(("processes",))
    assert paced.demand.wanted() == {"processes"}
    paced.clock.now += LINGER_SECONDS
    assert paced.demand.wanted() == {"processes"}
    paced.clock.now += 0.1
    assert paced.demand.wanted() == frozenset()


def test_no_named_sections_means_the_default_ones() -> None:
    """Both for a request and for a connected viewer."""
    paced = Paced()
    paced.demand.want(None)
    assert paced.demand.wanted() == set(DEFAULT)
    other = Paced()
    other.tick(None)
    assert other.demand.wanted() == set(DEFAULT)


def test_a_connected_viewer_renews_its_demand_at_each_tick() -> None:
    """Its sections are wanted as long as it is connected, and a few seconds longer."""
    paced = Paced()
    for _ in range(5):
        paced.tick(("processes", "cpu"), None)
        assert paced.demand.wanted() == {"processes", *DEFAULT}
        paced.clock.now += 100
    paced.tick()
    assert paced.demand.wanted() == frozenset()


def test_a_longer_demand_is_not_shortened_by_a_later_one() -> None:
    """A scrape wants its sections for 75 s; a viewer that comes and goes meanwhile changes nothing."""
    paced = Paced()
    paced.demand.want(("processes",), 75.0)
    paced.clock.now += 10
    paced.demand.want(("processes",))
    paced.clock.now += 65
    assert paced.demand.wanted() == {"processes"}
    paced.clock.now += 0.1
    assert paced.demand.wanted() == frozenset()


# How often.


@pytest.mark.parametrize("idle_interval_seconds", [0.0, 0.5, 1.0])
def test_without_a_longer_idle_interval_the_interval_never_changes(
    idle_interval_seconds: float,
) -> None:
    """0 means no idle interval, and a shorter one has no effect."""
    paced = Paced(idle_interval_seconds)
    for _ in range(3):
        assert paced.tick() == 1.0
        paced.clock.now += 60
    assert paced.demand.want(None) is False
    assert paced.intervals == []


def test_idling_begins_some_seconds_after_the_last_request() -> None:
    """At the first tick if there was none; each request postpones it."""
    paced = Paced()
    assert paced.tick() == 30.0
    paced.demand.want(("cpu",))
    for seconds, interval in ((4.9, 1.0), (0.2, 30.0)):
        paced.clock.now += seconds
        assert paced.tick() == interval
    assert paced.intervals == [30.0, 1.0, 30.0]


def test_a_connected_viewer_keeps_the_normal_interval() -> None:
    """As long as it is connected, and five seconds more."""
    paced = Paced()
    paced.tick()
    paced.demand.want(None)
    for _ in range(3):
        paced.clock.now += 100
        assert paced.tick(("cpu",)) == 1.0
    paced.clock.now += 4
    assert paced.tick() == 1.0
    paced.clock.now += 2
    assert paced.tick() == 30.0


def test_a_request_during_a_tick_is_not_overtaken_by_it() -> None:
    """The tick looked at the viewers before the request; it must not begin an idle period after it."""
    paced = Paced()
    watched: set[Any] = set()  # what the tick saw
    paced.demand.want(None)
    assert paced.tick(*watched) == 1.0


def test_a_request_learns_whether_a_fresh_sample_is_on_its_way() -> None:
    """Only if it ended an idle period, and the newest sample is older than the normal interval."""
    paced = Paced()
    paced.tick()
    paced.clock.now += 0.9
    assert paced.demand.want(None) is False, "the newest sample is fresh"
    paced.clock.now += 10
    paced.tick()
    paced.clock.now += 10
    assert paced.demand.want(None) is True
    assert paced.demand.want(None) is False, "the fresh sample is on its way already"


def test_a_request_before_the_first_tick_waits_for_nothing() -> None:
    """The first sample comes anyway."""
    paced = Paced()
    assert paced.demand.want(None) is False


# How late.


def test_age_counts_from_the_newest_tick() -> None:
    """0 before the first one."""
    paced = Paced()
    assert paced.demand.age_seconds() == 0.0
    paced.tick()
    paced.clock.now += 7
    assert paced.demand.age_seconds() == 7.0


def test_age_counts_from_the_end_of_an_idle_period() -> None:
    """A host that was idle for a minute and has just been woken is not late."""
    paced = Paced()
    paced.tick()
    paced.clock.now += 60
    paced.demand.want(None)
    paced.clock.now += 2
    assert paced.demand.age_seconds() == 2.0
