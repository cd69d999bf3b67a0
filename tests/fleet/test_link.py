"""What answers show of our own link, by a clock that the test moves."""

from __future__ import annotations

import pytest

from telemetry_stream.fleet.line import SLOW_SECONDS
from telemetry_stream.fleet.link import (
    BREAK_INTERVALS,
    BREAK_SECONDS,
    UNBROKEN_SECONDS,
    Continuity,
    DirectLink,
)
from tests.fleet.fleeting import answer, answering, fleeting
from tests.stream.streaming import Clock


@pytest.fixture
def clock() -> Clock:
    """A clock that begins at 0."""
    clock = Clock()
    clock.now = 0.0
    return clock


def test_nothing_shows_that_a_link_works_before_something_was_received(clock: Clock) -> None:
    """Then it does, but a silence that began before is excused for 15 s."""
    link = Continuity(clock)
    assert link.state(-1.0) == "unknown"
    assert not link.is_unbroken
    for at in range(16):
        clock.now = at
        link.note_received(at)
        assert link.state(-1.0) == ("unknown" if at < UNBROKEN_SECONDS else "up")
    assert link.is_unbroken
    assert (link.state(14.5), link.state(15.0)) == ("up", "unknown")


@pytest.mark.parametrize("seconds", [BREAK_SECONDS, BREAK_SECONDS + 0.1])
def test_a_break_excuses_who_was_silent_before_it(clock: Clock, seconds: float) -> None:
    """A shorter one does not."""
    link = Continuity(clock)
    link.note_received(-1000.0)
    link.note_received(-1000.0 + seconds)
    clock.now = -1000.0 + seconds + 1
    assert link.state(-1000.0 + 3) == ("up" if seconds == BREAK_SECONDS else "unknown")


@pytest.mark.parametrize("expected", [1.0, SLOW_SECONDS])
def test_a_link_is_broken_before_anything_arrives_again(clock: Clock, expected: float) -> None:
    """Else who became silent a moment before the break would be lost during it."""
    link = DirectLink(clock)
    for _ in range(5):
        clock.now += 10.0
        link.note_answer(expected)
    silent_from, last = clock.now - 1.0, clock.now
    clock.now = last + max(BREAK_SECONDS, BREAK_INTERVALS * expected)
    assert link.has_worked(silent_from) == "up"
    clock.now += 0.1
    assert link.has_worked(silent_from) == "unknown"


def test_hosts_with_long_intervals_are_no_break(clock: Clock) -> None:
    """With one that answers once a minute, the loss of another would never be found."""
    link = DirectLink(clock)
    for _ in range(5):
        clock.now += 60.0
        link.note_answer(60.0)
    assert link.has_worked(clock.now - 100.0) == "up"
    clock.now += BREAK_INTERVALS * 60.0 + 1
    link.note_answer(60.0)
    assert link.has_worked(clock.now - 100.0) == "unknown"


@pytest.mark.parametrize("first", [1.0, SLOW_SECONDS])
def test_the_shorter_interval_decides(clock: Clock, first: float) -> None:
    """A break shows in the host that answers often, whichever of the two answers first after it."""
    link = DirectLink(clock)
    for _ in range(20):
        clock.now += 1.0
        link.note_answer(SLOW_SECONDS)
        link.note_answer(1.0)
    clock.now += 24.5
    link.note_answer(first)
    assert link.has_worked(clock.now - 20.0) == "unknown"


@pytest.mark.parametrize("earlier", [1.5, 4.5])
def test_a_host_that_is_silent_a_moment_before_our_own_link_is_not_lost(earlier: float) -> None:
    """Its silence lasts 15 s while the link is broken. After the break, it is."""
    first, second = answering("a"), answering("b")
    with fleeting(first, second) as here:
        link = DirectLink(here.clock)
        for remote in (first, second):
            remote.link = link.has_worked  # type: ignore[method-assign, assignment]
        begin, seen = here.clock.now, set[str]()
        while (elapsed := here.clock.now - begin) < 80.0:
            for remote, end in ((first, 20.0 - earlier), (second, 20.0)):
                if elapsed < end or (remote is second and elapsed >= 50.0):
                    answer(remote, int(2 * elapsed) + 1)
                    link.note_answer(1.0)
            if elapsed < 50.0:
                seen.update(here.states().values())
            here.clock.now += 0.5
        assert "lost" not in seen
        assert "unreachable" in seen
        assert here.states() == {"a": "lost", "b": "live"}


@pytest.mark.parametrize("seconds", [12.0, 24.5, 300.0])
def test_no_host_is_lost_because_of_our_own_link(seconds: float) -> None:
    """While nobody answers, and until the last one has returned: its attempt and its pause take up to 10 s."""
    returns_after = {"a": 0.0, "b": 6.0, "c": 10.0}
    remotes = {name: answering(name) for name in returns_after}
    with fleeting(*remotes.values()) as here:
        link = DirectLink(here.clock)
        for remote in remotes.values():
            remote.link = link.has_worked  # type: ignore[method-assign, assignment]
        seen: set[str] = set()
        begin, seq = here.clock.now, 0
        while (elapsed := here.clock.now - begin) < 40.0 + seconds:
            seq += 1
            for name, remote in remotes.items():
                if elapsed < 20.0 or elapsed >= 20.0 + seconds + returns_after[name]:
                    answer(remote, seq)
                    link.note_answer(1.0)
            here.tick()
            seen.update(host["state"] for host in here.hosts().values())
            here.clock.now += 0.5
        assert set(here.states().values()) == {"live"}
        assert "lost" not in seen
        assert "unreachable" in seen
        # And one that does not return is.
        for _ in range(60):
            here.clock.now += 0.5
            seq += 1
            answer(remotes["a"], seq)
            link.note_answer(1.0)
        assert here.states() == {"a": "live", "b": "lost", "c": "lost"}
