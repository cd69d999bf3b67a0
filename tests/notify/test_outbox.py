"""What one receiver gets, and when. No clock: the tests give the times."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest

from telemetry_stream.notify.channel import Capacity
from telemetry_stream.notify.choice import Choice, Pace
from telemetry_stream.notify.message import Event, Message
from telemetry_stream.notify.outbox import (
    FALL_SECONDS,
    GIVE_UP_SECONDS,
    MAX_ENTRIES,
    RESTORED_SECONDS,
    Outbox,
)
from telemetry_stream.notify.schedule import MAX_RETRY_SECONDS
from tests.notify.alerts import alert, note

PACE = Pace(wait_seconds=0)
A, B = alert("a"), alert("b")


def nobody(_: Event) -> bool:
    """Silence nothing."""
    return False


def outbox(pace: Pace = PACE, choice: Choice | None = None, **fields: Any) -> Outbox:
    """Return an outbox whose random delays are the mean ones."""
    return Outbox(
        choice or Choice(),
        pace,
        fields.pop("capacity", Capacity()),
        started_at=fields.pop("started_at", 0.0),
        uniform=lambda low, high: (low + high) / 2,
    )


def kinds(message: Message | None) -> list[tuple[str, str]]:
    """Return kind and rule of each event."""
    return [(event.kind, event.alert["rule"]) for event in message.events] if message else []


def sent(box: Outbox, now: float) -> list[tuple[str, str]]:
    """Return what is delivered now."""
    found = kinds(box.maybe_message(now, nobody))
    if found:
        box.note_sent(now)
    return found


def test_an_alert_is_sent_when_it_fires_and_when_it_resolves() -> None:
    """Once each, however often the host reports."""
    box = outbox()
    for now in range(5):
        box.note(note(A), now)
        assert sent(box, now) == ([("firing", "a")] if now == 0 else [])
    box.note(note(resolved=(A,)), 5)
    assert sent(box, 5) == [("resolved", "a")]
    box.note(note(), 6)
    assert (sent(box, 6), box.queued, box.saved(float)) == ([], 0, [])
    box.note(note(A), 7)
    assert sent(box, 7) == [("firing", "a")]


def test_an_alert_that_is_missing_has_resolved() -> None:
    """Its end may have been lost. If some are left out, only what is named has resolved."""
    box = outbox()
    box.note(note(A, B), 0)
    assert len(sent(box, 0)) == 2
    box.note(note(omitted=1), 1)
    assert sent(box, 1) == []
    box.note(note(resolved=(A,), omitted=1), 2)
    assert sent(box, 2) == [("resolved", "a")]
    box.note(note(host="web2"), 3)
    assert sent(box, 3) == []
    box.note(note(), 4)
    assert sent(box, 4) == [("resolved", "b")]


def test_notes_that_merge_lose_nothing() -> None:
    """What fired and resolved, or fired twice, before a note was taken is delivered."""
    again = later(A, 1)
    merged = note(again, omitted=1).after(note(B, resolved=(A,)).after(note(A)))
    assert (merged.firing, merged.resolved, merged.passed) == ((again,), (A,), (B,))
    box = outbox()
    box.note(note(resolved=(A,)).after(note(A)), 0)
    assert sent(box, 0) == [("resolved", "a")]
    box.note(note(again).after(note(resolved=(A,)).after(note(A))), 1)
    assert sent(box, 1) == [("firing", "a")]
    assert box.queued == 0


def test_alerts_are_grouped() -> None:
    """Those of the time of the wait are one message, of all hosts."""
    box = outbox(Pace(wait_seconds=10))
    box.note(note(A), 0)
    assert box.maybe_next_at(0, nobody) == 10
    box.note(note(B, host="web2"), 9)
    assert sent(box, 9) == []
    assert sent(box, 10) == [("firing", "a"), ("firing", "b")]
    assert box.maybe_next_at(10, nobody) is None


def test_a_message_has_a_capacity() -> None:
    """The highest severity comes first, and the others follow in the next message."""
    box = outbox(capacity=Capacity(2, 10_000))
    box.note(note(A, B, alert("c", "critical")), 0)
    assert sent(box, 0) == [("firing", "c"), ("firing", "a")]
    assert sent(box, 0) == [("firing", "b")]


def test_a_rate_limit_delays_and_loses_nothing() -> None:
    """The changes of that time merge."""
    box = outbox(Pace(wait_seconds=0, per_hour=2))
    box.note(note(A), 0)
    assert sent(box, 0)
    box.note(note(), 100)
    assert sent(box, 100)
    box.note(note(A, B), 200)
    assert sent(box, 200) == []
    assert box.maybe_next_at(200, nobody) == 3600
    box.note(note(B), 300)
    assert sent(box, 3600) == [("firing", "b"), ("resolved", "a")]


def test_reminders() -> None:
    """While an alert fires, after each such time."""
    box = outbox(Pace(wait_seconds=0, remind_seconds=60))
    box.note(note(A), 0)
    assert sent(box, 0)
    assert box.maybe_next_at(1, nobody) == 60
    assert sent(box, 59) == []
    assert sent(box, 60) == [("reminder", "a")]
    box.note(note(A, B), 100)
    assert sent(box, 100) == [("firing", "b")]  # the reminder of a is not due
    assert sent(box, 120) == [("reminder", "a")]
    box.note(note(), 121)
    assert len(sent(box, 121)) == 2
    assert box.maybe_next_at(122, nobody) is None


def test_reminders_have_numbers() -> None:
    """An attempt that is repeated has the same one, also after a restart."""
    pace = Pace(wait_seconds=0, remind_seconds=60)
    box = outbox(pace)
    box.note(note(A), 0)
    found = []
    for now in (0, 60, 120, 180):
        for _ in range(2):
            message = box.maybe_message(now + 1000, nobody)
            assert message is not None
            found.append(message.events[0].reminders)
            box.note_failure(now, is_final=False, retry_seconds=0)
        assert box.maybe_message(now + 1000, nobody)
        box.note_sent(now)
        box = restored(box, pace)
        box.note(note(A), now)
    assert found == [0, 0, 1, 1, 2, 2, 3, 3]


def test_reminders_do_not_delay_news() -> None:
    """They follow what is new in a message, take turns, and use up to half of the messages per hour."""
    many = [alert(f"r{number}", "critical") for number in range(6)]
    box = outbox(Pace(wait_seconds=0, per_hour=8, remind_seconds=60), capacity=Capacity(2, 10_000))
    box.note(note(*many), 0)
    for _ in range(3):
        assert len(sent(box, 0)) == 2
    reminded = [*sent(box, 60), *sent(box, 61), *sent(box, 62)]
    assert reminded == [("reminder", "r0"), ("reminder", "r1")]  # half of the messages are used
    assert box.maybe_next_at(62, nobody) == 3600
    box.note(note(*many[1:], B), 63)
    assert sent(box, 63) == [("firing", "b"), ("resolved", "r0")]
    # The one that has waited for the longest time.
    assert sent(box, 3660)[:1] == [("reminder", "r2")]


def test_a_receiver_may_not_want_the_end() -> None:
    """Then it gets what fires only, but never nothing."""
    box = outbox(Pace(wait_seconds=0, resolved=False))
    box.note(note(A), 0)
    assert sent(box, 0)
    box.note(note(), 1)
    assert sent(box, 1) == []
    box.note(note(A), 2)
    box.note(note(), 3)  # before it could be delivered
    assert sent(box, 3) == [("resolved", "a")]
    assert box.saved(float) == []


def test_only_a_higher_severity_is_sent_again() -> None:
    """A lower one is not, and the same one after it is."""
    box = outbox()
    for now, severity, expected in (
        (0, "warning", 1),
        (1, "critical", 1),
        (2, "warning", 0),
        (3, "critical", 0),
    ):
        box.note(note(alert("a", severity)), now)
        assert len(sent(box, now)) == expected


@pytest.mark.parametrize("repeats", [(), range(120, 3600, 60)], ids=["once", "repeated"])
def test_a_severity_that_rises_again_after_a_long_time_is_sent(repeats: Iterable[int]) -> None:
    """Also if it fell in two steps, and after a restart. The fall is not sent."""
    critical, warning, info = (alert("a", name) for name in ("critical", "warning", "info"))
    box = outbox()
    box.note(note(critical), 0)
    assert len(sent(box, 0)) == 1
    for now, state in ((10, info), (61, warning), *((at, warning) for at in repeats)):
        box.note(note(state), now)
        assert sent(box, now) == []
    box.note(note(warning), 3600)
    box = restored(box)
    box.note(note(critical), 3601)
    assert sent(box, 3601) == [("firing", "a")]
    box.note(note(info), 3602)
    box.note(note(critical), 3602 + FALL_SECONDS)
    assert sent(box, 3602 + FALL_SECONDS) == []


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([(10, "warning"), (66, "info"), (72, "warning")], []),  # info was short
        ([(10, "warning"), (66, "info"), (72, "warning"), (80, "critical")], ["critical"]),
        ([(10, "info"), (66, "warning"), (72, "critical")], ["critical"]),
        ([(10, "info"), (72, "warning")], ["warning"]),
        ([(10, "warning"), (12, "info"), (80, "warning")], ["warning"]),
        ([(10, "info"), (40, "warning"), (45, "info"), (80, "warning")], []),
        ([(10, "warning"), (66, "critical"), (72, "warning"), (80, "critical")], []),
    ],
)
def test_a_severity_is_news_after_the_time_for_which_it_was_lower(
    states: list[tuple[int, str]], expected: list[str]
) -> None:
    """Lower than this severity, not lower than the delivered one, critical."""
    box = outbox()
    found = []
    for now, severity in [(0, "critical"), *states]:
        box.note(note(alert("a", severity)), now)
        found += [severity for _ in sent(box, now)]
    assert found == ["critical", *expected]


def test_a_severity_that_is_higher_for_less_than_the_wait_is_not_sent() -> None:
    """The receiver has got the lower one already."""
    box = outbox(Pace(wait_seconds=10))
    for now, severity, expected in (
        (0, "warning", []),
        (10, "warning", [("firing", "a")]),
        (20, "critical", []),
        (25, "warning", []),
        (40, "warning", []),
        (50, "critical", []),
        (60, "critical", [("firing", "a")]),
    ):
        box.note(note(alert("a", severity)), now)
        assert sent(box, now) == expected


def test_what_begins_and_ends_again_within_the_wait_is_sent() -> None:
    """The wait begins with the first time."""
    box = outbox(Pace(wait_seconds=10))
    for now in range(0, 8, 4):
        box.note(note(later(A, now)), now)
        box.note(note(), now + 2)
    box.note(note(later(A, 8)), 8)
    assert sent(box, 10) == [("firing", "a")]


def test_an_alert_that_does_not_match_any_more_has_ended() -> None:
    """For a receiver of critical alerts, a warning is the end."""
    box = outbox(choice=Choice(severities=("critical",)))
    box.note(note(alert("a", "critical")), 0)
    assert sent(box, 0)
    box.note(note(alert("a", "warning")), 1)
    assert sent(box, 1) == [("resolved", "a")]


def test_failures_are_repeated_with_growing_delays() -> None:
    """At least as late as the receiver wants. Changes of an alert merge meanwhile."""
    box = outbox()
    box.note(note(A), 0)
    now, delays = 0.0, []
    for _ in range(10):
        assert box.maybe_message(now, nobody)
        assert box.maybe_message(now, nobody) is None  # one attempt at a time
        delays.append(box.note_failure(now, is_final=False, retry_seconds=0))
        assert box.maybe_message(now + delays[-1] - 0.01, nobody) is None
        now += delays[-1]
    assert delays[:4] == [2, 4, 8, 16]
    assert max(delays) == MAX_RETRY_SECONDS
    assert box.maybe_message(now, nobody)
    assert box.note_failure(now, is_final=False, retry_seconds=1000) == 1000
    box.note(note(), now)
    box.note(note(A), now)
    box.note(note(), now)
    assert sent(box, now + 1000) == [("resolved", "a")]
    assert (box.queued, box.saved(float)) == (0, [])
    box.note(note(A), now + 1001)
    assert box.maybe_message(now + 1001, nobody)
    assert box.note_failure(now + 1001, is_final=False, retry_seconds=0) == 2


def test_a_message_that_is_refused_is_dropped_and_counted() -> None:
    """It is not sent again, but a later change is."""
    box = outbox()
    box.note(note(A), 0)
    assert box.maybe_message(0, nobody)
    box.note_failure(0, is_final=True, retry_seconds=0)
    assert (box.dropped, box.queued) == (1, 0)
    box.note(note(B), 1)
    assert sent(box, 10) == [("firing", "b"), ("resolved", "a")]


def test_an_end_that_is_too_old_is_given_up() -> None:
    """And counted. The time begins with the end, however long the alert has fired before."""
    for begun_at, ended_at in ((0, 0), (0, 2 * GIVE_UP_SECONDS)):
        box = outbox()
        box.note(note(A), begun_at)
        assert box.maybe_message(begun_at, nobody)
        box.note_failure(begun_at, is_final=False, retry_seconds=ended_at + GIVE_UP_SECONDS)
        box.note(note(), ended_at)
        assert box.maybe_next_at(ended_at + GIVE_UP_SECONDS, nobody) is not None
        assert sent(box, ended_at + GIVE_UP_SECONDS + 1) == []
        assert (box.dropped, box.queued) == (1, 0)


def test_what_still_fires_is_never_given_up() -> None:
    """However long the receiver fails, a silence lasts or the host is off."""
    late = 2 * GIVE_UP_SECONDS
    failing, silenced = outbox(), outbox()
    failing.note(note(A), 0)
    assert failing.maybe_message(0, nobody)
    failing.note_failure(0, is_final=False, retry_seconds=late)
    silenced.note(note(A), 0)
    for now in range(0, int(late), 600):
        assert silenced.maybe_message(now, lambda _: True) is None
    after = restored(silenced, started_at=late)
    for box in (failing, silenced, after):
        box.note(note(A), late)
        assert sent(box, late) == [("firing", "a")]
        assert box.dropped == 0


def test_an_end_before_the_host_was_off_is_delivered() -> None:
    """The receiver still counts the alert as firing."""
    box = outbox()
    box.note(note(A), 0)
    assert sent(box, 0)
    box.note(note(), 1)
    after = restored(box, started_at=2 * GIVE_UP_SECONDS)
    assert sent(after, 2 * GIVE_UP_SECONDS) == [("resolved", "a")]


@pytest.mark.parametrize("is_delivered", [True, False])
def test_changes_during_an_attempt(is_delivered: bool) -> None:
    """Nothing is missed, and nothing is sent twice."""
    box = outbox()
    box.note(note(A), 0)
    assert box.maybe_message(0, nobody)
    box.note(note(), 1)
    if is_delivered:
        box.note_sent(2)
    else:
        box.note_failure(2, is_final=False, retry_seconds=0)
    assert kinds(box.maybe_message(10, nobody)) == [("resolved", "a")]
    box.note(note(A), 11)  # it fires again while its end is sent
    if is_delivered:
        box.note_sent(12)
        assert sent(box, 12) == [("firing", "a")]
    else:
        box.note_failure(12, is_final=False, retry_seconds=0)
        assert sent(box, 100) == [("firing", "a")]
    assert box.queued == 0


def test_an_end_that_was_not_delivered_is_forgotten_if_it_fires_again() -> None:
    """The receiver still counts it as firing."""
    box = outbox()
    box.note(note(A), 0)
    assert sent(box, 0)
    box.note(note(), 1)
    box.note(note(A), 2)
    assert sent(box, 2) == []


def test_silences() -> None:
    """What is silenced is not sent; what still fires is sent afterwards, what has resolved is forgotten."""
    box = outbox()
    box.note(note(A, B), 0)

    def a_only(event: Event) -> bool:
        return bool(event.alert["rule"] == "a")

    assert kinds(box.maybe_message(0, a_only)) == [("firing", "b")]
    box.note_sent(0)
    assert box.maybe_next_at(0, a_only) is None
    assert sent(box, 1) == [("firing", "a")]
    box.note(note(), 2)
    assert kinds(box.maybe_message(2, a_only)) == [("resolved", "b")]
    box.note_sent(2)
    assert (sent(box, 3), box.saved(float)) == ([], [])


def test_the_number_of_alerts_is_limited() -> None:
    """Those beyond it are counted."""
    box = outbox()
    box.note(note(*[alert(f"r{i}") for i in range(MAX_ENTRIES + 5)]), 0)
    box.note(note(*[alert(f"r{i}") for i in range(MAX_ENTRIES + 5)]), 1)
    assert (box.queued, box.dropped) == (MAX_ENTRIES, 5)


def test_an_alert_beyond_the_limit_is_counted_again_only_when_it_has_ended() -> None:
    """That of each host on its own: a note about another host does not end it."""
    box = outbox()
    box.note(note(*[alert(f"r{i}") for i in range(MAX_ENTRIES)]), 0)
    counts = []
    for now, (host, firing) in enumerate(
        [("b", (A, B)), ("c", (A,)), ("b", (A, B)), ("b", (A,)), ("c", (A,)), ("b", (A, B))]
    ):
        box.note(note(*firing, host=host), now)
        counts.append(box.dropped)
    assert counts == [2, 3, 3, 3, 3, 4]


class Scope(str):
    """A scope that counts how often one is compared."""

    __slots__ = ()
    compared: ClassVar[int] = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Scope.compared += 1
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


def test_a_note_is_not_compared_with_the_alerts_of_other_hosts() -> None:
    """A front end reports thousands of lost hosts each minute. Half of these are beyond the limit."""
    box = outbox()
    notes = [note(A, host=f"h{i}")._replace(scope=Scope(f"h{i}")) for i in range(2 * MAX_ENTRIES)]
    for one in notes:
        box.note(one, 0)
    for one in (notes[0], notes[-1]):
        Scope.compared = 0
        box.note(one, 60)
        assert Scope.compared < 20


def saved(box: Outbox) -> Any:
    """Return what a file has."""
    assert box.is_dirty
    return json.loads(json.dumps(box.saved(lambda at: at + 1000)))


def restored(box: Outbox, pace: Pace = PACE, **fields: Any) -> Outbox:
    """Return the outbox of the next run."""
    found = outbox(pace, **fields)
    found.restore(saved(box), lambda unix: unix - 1000)
    return found


def test_a_restart_forgets_and_repeats_nothing() -> None:
    """What was delivered is not sent again; what was not is."""
    box = outbox(Pace(wait_seconds=0, remind_seconds=60))
    box.note(note(A), 10)
    assert sent(box, 10)
    box.note(note(A, B), 11)
    box.note(note(A), 12)  # b has resolved before it was delivered
    after = restored(box, Pace(wait_seconds=0, remind_seconds=60))
    after.note(note(A), 13)
    assert sent(after, 13) == [("resolved", "b")]
    assert sent(after, 70) == [("reminder", "a")]
    after.note(note(resolved=(A,)), 71)
    assert sent(after, 71) == [("resolved", "a")]


def test_a_restored_alert_may_be_missing_for_a_while() -> None:
    """Its rule must be true for some time again. Then it has resolved, whether or not its host reports anything."""
    box = outbox()
    box.note(note(A, B), 0)
    assert sent(box, 0)
    after = restored(box)
    after.note(note(), 1)
    assert sent(after, 1) == []
    after.note(note(A), 20)
    assert sent(after, 20) == []
    after.note(note(), 30)
    assert sent(after, 30) == [("resolved", "a")]  # it has fired in this run
    assert after.maybe_next_at(31, nobody) == RESTORED_SECONDS
    assert sent(after, RESTORED_SECONDS - 1) == []
    assert sent(after, RESTORED_SECONDS) == [("resolved", "b")]
    assert after.maybe_next_at(RESTORED_SECONDS, nobody) is None


def test_producers_do_not_affect_each_other() -> None:
    """A front end reports about a host what the host itself does not."""
    box = outbox()
    box.note(note(A), 0)
    found = note(A)._replace(scope="fleet")
    box.note(found, 0)
    assert sent(box, 0) == [("firing", "a"), ("firing", "a")]
    box.note(note(A), 1)
    assert sent(box, 1) == []
    box.note(found._replace(firing=()), 2)
    assert sent(box, 2) == [("resolved", "a")]


def test_what_a_receiver_does_not_get_any_more_is_forgotten() -> None:
    """After a reload and a restart with other settings. It has not resolved, so nothing is sent."""
    for is_restart in (False, True):
        box = outbox()
        box.note(note(A, alert("b", "critical")), 0)
        assert len(sent(box, 0)) == 2
        other = outbox(choice=Choice(severities=("critical",)))
        if is_restart:
            other.restore(saved(box), lambda unix: unix - 1000)
        else:
            other.take_over(box)
        other.note(note(A, alert("b", "critical")), 1)
        assert sent(other, 1) == []
        other.note(note(A, B), 2)  # its severity has fallen
        assert sent(other, 2) == [("resolved", "b")]
        assert sent(other, RESTORED_SECONDS) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("host_id", 3), ("alert", {}), ("sent", "worst"), ("sent_unix", "x"), ("alert", 3)],
)
def test_what_is_not_valid_is_not_restored(field: str, value: object) -> None:
    """Nothing of it."""
    box = outbox()
    box.note(note(A), 0)
    entry = {**saved(box)[0], field: value}
    with pytest.raises((ValueError, TypeError, KeyError)):
        outbox().restore([entry], float)


def test_other_settings_keep_the_state() -> None:
    """Nothing is sent twice after a reload."""
    box = outbox()
    box.note(note(A), 0)
    assert sent(box, 0)
    other = outbox(Pace(wait_seconds=5))
    other.take_over(box)
    other.note(note(A, B), 1)
    assert sent(other, 1) == []
    assert sent(other, 6) == [("firing", "b")]


def later(found: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return an alert that has fired again."""
    return {**found, "since_unix": found["since_unix"] + seconds}


def test_what_fires_several_times_meanwhile_is_one_event_with_the_number() -> None:
    """Its id is that of the first time, so that a receiver can assign the end."""
    box = outbox()
    box.note(note(A), 0)
    assert box.maybe_message(0, nobody)
    box.note_failure(0, is_final=False, retry_seconds=10)
    for number in (1, 2):
        box.note(note(), number)
        box.note(note(later(A, number)), number)
    message = box.maybe_message(10, nobody)
    assert message is not None
    (event,) = message.events
    assert (event.kind, event.times, event.begun_unix) == ("firing", 3, A["since_unix"])
    assert event.line.startswith("warning (it fired 3 times): ")
    box.note(note(later(A, 3)), 11)  # its end and its begin were lost
    box.note(note(), 12)
    box.note_sent(12)
    message = box.maybe_message(12, nobody)
    assert message is not None
    (end,) = message.events
    assert (end.kind, end.times, end.id) == ("resolved", 4, event.id)
    box.note(note(later(A, 4)), 13)
    box.note_sent(14)
    message = box.maybe_message(14, nobody)
    assert message is not None
    (again,) = message.events
    assert (again.kind, again.times, again.id == end.id) == ("firing", 1, False)
