"""Which conflicts end: when a host of two with the same id is lost, and what many clones cost."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_stream.fleet.conflicts import Conflicts
from tests.fleet.fleeting import answer, answering, fleeting, report_vitals
from tests.fleet.reports import RecordingRemote, identity

CLONES = 20


class CountingRemote(RecordingRemote):
    """Counts how often the link is examined, which each decision about a silent host does once."""

    links = 0

    def link(self, since: float) -> Any:
        self.links += 1
        return super().link(since)


def test_a_tick_examines_each_clone_a_fixed_number_of_times() -> None:
    """Not once for each other clone."""
    clones = [CountingRemote(f"web{number}:1") for number in range(CLONES)]
    with fleeting(*clones, max_hosts=CLONES) as here:
        for clone in clones:
            assert clone.report.identified(identity("clone", f"run-of-{clone.key}"))
        here.clock.now += 10
        for clone in clones:
            clone.links = 0
        assert set(here.states().values()) == {"duplicate"}
        assert {clone.links for clone in clones} == {2}  # to count them, and for their rows


def test_the_last_of_many_clones_is_no_duplicate() -> None:
    """The others are lost, so it gets the id."""
    clones = [answering(f"web{number}:1", "clone") for number in range(CLONES)]
    with fleeting(*clones, max_hosts=CLONES) as here:
        for clone in clones:
            answer(clone)
        here.clock.now += 20
        answer(clones[-1], 2)
        states = here.states()
        assert states.pop("clone") == "live"
        assert list(states.values()) == ["lost"] * (CLONES - 1)


@pytest.mark.parametrize("is_holder_lost", [True, False])
def test_a_new_conflict_outlives_the_end_of_another_one(is_holder_lost: bool) -> None:
    """A third host may answer when the hosts are counted already. Then it has a conflict with the one that is there."""
    lost, first, third = answering("a:1", "x"), answering("b:2", "x"), answering("c:3", "x")
    with fleeting(lost, first, third) as here:
        for remote in (lost, first) if is_holder_lost else (first, lost):
            answer(remote)
        here.clock.now += 20
        report_vitals(first, 2, "run-of-b:2")
        conflicts = Conflicts(here.table)
        for host in here.table.hosts():
            conflicts.count(host)
        answer(third)
        for host in here.table.hosts():
            conflicts.end(host)
        assert here.states() == {"a:1": "lost", "x": "duplicate", "c:3": "duplicate"}


def test_a_host_that_is_watched_twice_is_read_at_its_other_address_when_one_is_lost() -> None:
    """It stays a duplicate until its hello, which is requested once. Without an answer it does not become lost."""
    first, second = answering("a:1", "host-7", "run-1"), answering("b:2", "host-7", "run-1")
    with fleeting(first, second) as here:
        assert answer(first)
        assert not answer(second)
        here.tick(10)
        answer(first, 2)
        here.tick(10)
        assert second.hello_requests == 0
        for _ in range(3):
            here.tick(10)
            assert here.states() == {"host-7": "lost", "b:2": "duplicate"}
        assert second.hello_requests == 1
        assert answer(second)
        assert here.states() == {"a:1": "lost", "host-7": "live"}
        assert not answer(first)
        here.tick(20)
        assert (first.hello_requests, second.hello_requests) == (1, 1)


def test_the_hello_is_requested_whatever_clones_there_are() -> None:
    """The other address of a lost host is a host of its own run. That of this program is not read while it runs."""
    lost, same, clone = (
        answering("a:1", "host-7", "run-1"),
        answering("b:2", "host-7", "run-1"),
        answering("c:3", "host-7", "run-2"),
    )
    with fleeting(lost, same, clone, own=True) as here:
        itself = answering("d:4", "host-1", here.fleet._stream.feed().id)
        assert here.fleet.maybe_add(itself)
        for remote in (lost, same, clone, itself):
            answer(remote)
        here.clock.now += 20
        answer(clone, 2)
        here.tick()
        assert (same.hello_requests, itself.hello_requests) == (1, 0)


def test_a_second_address_of_the_last_clone_keeps_no_conflict() -> None:
    """It is not read, and is the same host."""
    lost, clone, same = (
        answering("a:1", "x", "run-1"),
        answering("b:2", "x", "run-2"),
        answering("c:3", "x", "run-2"),
    )
    with fleeting(lost, clone, same) as here:
        for remote in (lost, clone):
            answer(remote)
        here.clock.now += 20
        report_vitals(clone, 2, "run-2")
        assert not answer(same)
        for _ in range(2):
            assert here.states() == {"a:1": "lost", "x": "live", "c:3": "duplicate"}
        assert here.table.host("x").key == "b:2"
        assert here.hosts()["c:3"]["reason"] == "This host is watched already, as b:2"


def test_the_id_of_a_lost_host_goes_to_the_first_of_its_clones() -> None:
    """They stay duplicates, and their reasons name hosts that are there. So does one that answers after the loss."""
    lost, first, second = answering("a:1", "x"), answering("b:2", "x"), answering("c:3", "x")
    with fleeting(lost, first, second) as here:
        for remote in (lost, first, second):
            answer(remote)
        here.clock.now += 20
        report_vitals(first, 2, "run-of-b:2")
        report_vitals(second, 2, "run-of-c:3")
        for _ in range(2):
            hosts = here.hosts()
            assert {name: host["state"] for name, host in hosts.items()} == {
                "a:1": "lost",
                "x": "duplicate",
                "c:3": "duplicate",
            }
            assert hosts["x"]["reason"].startswith("c:3 has the same id x;")
            assert hosts["c:3"]["reason"].startswith("b:2 has the same id x;")
            answer(second, 3)
        here.clock.now += 20
        answer(second, 4)
        assert here.states() == {"a:1": "lost", "b:2": "lost", "x": "live"}


@pytest.mark.parametrize("is_forgotten", [True, False])
def test_a_clone_that_answers_before_the_tick_does_not_get_the_id_alone(is_forgotten: bool) -> None:
    """The host of the id is lost or forgotten, but another one with this id is there."""
    lost, first, third = answering("a:1", "x"), answering("b:2", "x"), answering("c:3", "x")
    with fleeting(lost, first, third) as here:
        for remote in (lost, first):
            answer(remote)
        here.clock.now += 20
        report_vitals(first, 2, "run-of-b:2")
        if is_forgotten:
            here.table.forget(here.table.host("x"))
        answer(third)
        states = here.states()
        assert states.pop("a:1", "lost") == "lost"
        assert states == {"x": "duplicate", "c:3": "duplicate"}
        assert here.table.host("x").key == "b:2"
