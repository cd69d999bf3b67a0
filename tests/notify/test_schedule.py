"""When the next message may be sent, by times that the test gives."""

from __future__ import annotations

import math

from telemetry_stream.notify.message import Event, Kind, key_of
from telemetry_stream.notify.schedule import (
    FIRST_RETRY_SECONDS,
    HOUR_SECONDS,
    MAX_RETRY_SECONDS,
    Schedule,
)
from tests.notify.alerts import alert


def due(at: float, kind: Kind = "firing") -> tuple[float, Event]:
    """Return an event that is due at this time."""
    one = alert("a")
    return at, Event(kind, key_of("h", one), "h", "h", one, 0.0)


def schedule(per_hour: int) -> Schedule:
    """Return a schedule whose delays are not random."""
    return Schedule(per_hour, uniform=lambda _low, _high: 1.0)


def test_the_first_event_that_is_due_counts() -> None:
    """Without any, there is no time."""
    assert schedule(10).message_at([due(7), due(5), due(6, "reminder")], 0) == 5
    assert schedule(10).message_at([], 0) == math.inf


def test_an_hour_has_so_many_messages() -> None:
    """The next one may be sent when the oldest of them is an hour old."""
    found = schedule(3)
    for at in (0, 10, 20):
        assert found.message_at([due(at)], at) == at
        found.note_sent(at)
    assert found.message_at([due(30)], 30) == HOUR_SECONDS
    assert found.message_at([due(30)], HOUR_SECONDS) == HOUR_SECONDS


def test_reminders_leave_half_of_the_messages_to_news() -> None:
    """An event that is no reminder is not delayed by them."""
    found = schedule(4)
    for at in (0, 10):
        found.note_sent(at)
    assert found.message_at([due(20, "reminder")], 20) == HOUR_SECONDS
    assert found.message_at([due(20, "reminder"), due(21)], 21) == 21


def test_delays_after_failures_grow_until_a_message_is_sent() -> None:
    """To a limit, and they are at least what the receiver requests."""
    found = schedule(10)
    delays = [found.note_failure(0, 0) for _ in range(10)]
    assert delays[:3] == [FIRST_RETRY_SECONDS, 2 * FIRST_RETRY_SECONDS, 4 * FIRST_RETRY_SECONDS]
    assert delays[-1] == MAX_RETRY_SECONDS
    assert found.note_failure(100, 1000) == 1000
    assert found.message_at([due(0)], 100) == 1100
    found.note_sent(1100)
    assert found.message_at([due(0)], 1101) == 1101
    assert found.note_failure(1101, 0) == FIRST_RETRY_SECONDS


def test_other_settings_forget_no_message() -> None:
    """The failures do not count: the receiver may work now."""
    before, after = schedule(1), schedule(1)
    before.note_sent(0)
    before.note_failure(1, 10_000)
    after.take_over(before)
    assert after.message_at([due(2)], 2) == HOUR_SECONDS
