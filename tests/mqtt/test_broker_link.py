"""What our own link shows of a silent host, by a clock that the test moves."""

from __future__ import annotations

import pytest

from telemetry_stream.fleet.link import BREAK_SECONDS, UNBROKEN_SECONDS
from telemetry_stream.mqtt.broker_link import BrokerLink
from tests.stream.streaming import Clock


@pytest.fixture
def clock() -> Clock:
    """A clock that begins at 0."""
    clock = Clock()
    clock.now = 0.0
    return clock


def link_at(clock: Clock, *received: float) -> BrokerLink:
    """Return a link that was connected at 0 and has received something at these times."""
    link = BrokerLink(clock)
    link.note_connected()
    for at in received:
        link.note_received(at)
    return link


def test_without_a_connection_it_is_down(clock: Clock) -> None:
    """Before the first one, and after the last."""
    link = BrokerLink(clock)
    assert link.state(-100.0) == link.state(100.0) == "down"
    link.note_connected()
    link.note_disconnected()
    clock.now = 100.0
    assert link.state(50.0) == "down"
    assert not link.is_trusted


def test_a_host_that_was_silent_before_the_connection_stays_unreachable(clock: Clock) -> None:
    """For 15 s: agents return to a broker that was restarted. Then its silence is its own."""
    link = link_at(clock, *range(1, 20))
    assert link.state(-1.0) == "down"
    clock.now = UNBROKEN_SECONDS - 0.1
    assert link.state(-1.0) == "down"
    clock.now = UNBROKEN_SECONDS
    assert link.state(-1.0) == "up"


def test_a_host_that_becomes_silent_later_is_not_excused(clock: Clock) -> None:
    """The link works, if the broker has sent anything since."""
    link = link_at(clock, 1, 2, 3)
    assert link.state(2.5) == "up"
    assert link.state(3.0) == "unknown"


def test_a_frozen_broker_is_a_break(clock: Clock) -> None:
    """It ends no connection. After it, its wills count for nothing for 15 s."""
    frozen = 20.0
    link = link_at(clock, *range(1, 21))
    clock.now = frozen
    assert link.is_trusted
    clock.now = frozen + BREAK_SECONDS + 1
    assert link.state(frozen - 2) == link.state(frozen + 3) == "unknown"
    link.note_received(clock.now)
    assert link.state(frozen + 3) == "unknown"
    assert not link.is_trusted
    for _ in range(15):
        clock.now += 1
        link.note_received(clock.now)
    assert link.state(frozen + 3) == "up"
    assert link.is_trusted


def test_answers_to_pings_are_enough(clock: Clock) -> None:
    """The broker of a single host is silent if that host is."""
    link = link_at(clock, 5, 10, 15, 20)
    clock.now = 20.0
    assert link.is_trusted
    assert link.state(17.0) == "up"


def test_more_messages_than_are_read_excuse_every_host(clock: Clock) -> None:
    """For 15 s: the broker drops messages of any host. The link stays connected, so a will counts."""
    link = link_at(clock, *range(1, 31))
    clock.now = 30.0
    link.note_exceeded(30.0)
    link.note_exceeded(-100.0)
    assert link.state(25.0) == "unknown"
    assert link.is_trusted
    for at in range(31, 46):
        link.note_received(at)
    clock.now = 30.0 + UNBROKEN_SECONDS - 0.1
    assert link.state(40.0) == "unknown"
    clock.now = 30.0 + UNBROKEN_SECONDS
    assert link.state(40.0) == "up"
    link.note_exceeded(clock.now)
    link.note_disconnected()
    assert link.state(40.0) == "down"
