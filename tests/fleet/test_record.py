"""The states of a host, by a clock that the test moves."""

from __future__ import annotations

import dataclasses

import pytest

from telemetry_stream.fleet.record import Record
from telemetry_stream.fleet.remote import FIELDS, Link
from telemetry_stream.metrics.sources.vitals import Vitals as Section
from tests.fleet.reports import identity, vitals


def started(interval: float = 1.0) -> Record:
    """Return the record of a host that has answered and sent one sample at 0."""
    record = Record(0.0)
    record.note_identity(identity(interval=interval))
    assert record.note_vitals(vitals(1), 0.0, 0.0)
    return record


def test_the_fields_are_those_of_the_section() -> None:
    """In its order, so a row has each number of the section."""
    assert tuple(field.name for field in dataclasses.fields(Section)) == FIELDS


@pytest.mark.parametrize(
    ("age", "link", "state"),
    [
        (0, "up", "live"),
        (3, "unknown", "live"),
        (3, "down", "live"),
        (3.1, "up", "late"),
        (3.1, "unknown", "late"),
        (3.1, "down", "unreachable"),
        (14.9, "up", "late"),
        (15, "up", "lost"),
        (15, "unknown", "unreachable"),
        (15, "down", "unreachable"),
        (90_000, "up", "lost"),
    ],
)
def test_a_silent_host_becomes_late_and_then_lost(age: float, link: Link, state: str) -> None:
    """It is lost only if our own link has worked meanwhile; its last values stay."""
    record = started()
    assert record.state(age, link) == state
    assert record.vitals == vitals(1)
    assert record.age_seconds(age) == age


def test_it_is_live_again_with_the_next_data() -> None:
    """Whatever its state was."""
    record = started()
    record.note_failure("No answer", is_incompatible=False)
    assert record.state(20, "up") == "lost"
    assert record.note_vitals(vitals(2), 20.0, 0.0)
    assert (record.state(20, "up"), record.reason) == ("live", None)


def test_a_longer_interval_gives_more_time() -> None:
    """Three intervals until it is late, five until it is lost."""
    record = started(interval=10.0)
    assert [record.state(now, "up") for now in (30, 31, 49, 50)] == ["live", "late", "late", "lost"]


def test_a_host_that_never_answered_is_late_and_then_lost() -> None:
    """It has no values and no age of values."""
    record = Record(100.0)
    assert [record.state(now, "up") for now in (100, 114.9, 115)] == ["late", "late", "lost"]
    assert record.state(115, "unknown") == "unreachable"
    assert record.heard_at is None


def test_gone_is_final_for_its_run() -> None:
    """Late data of that run change nothing. A new run, or a new hello of the same one, does."""
    record = started()
    record.note_end("gone", "run-1", 0.0)
    assert record.state(0, "up") == "gone"
    assert not record.note_vitals(vitals(2), 1.0, 0.0)
    assert record.state(100, "up") == "gone"
    assert record.note_vitals(vitals(1, "run-2"), 101.0, 0.0)
    assert record.state(101, "up") == "live"
    record.note_end("gone", "run-1", 101.0)  # a message that was delayed
    assert record.state(101, "up") == "live"
    record.note_end("gone", "run-2", 101.0)
    record.note_identity(identity(stream="run-2"))  # only a proxy had stopped
    assert record.note_vitals(vitals(2, "run-2"), 102.0, 0.0)
    assert record.state(102, "up") == "live"


def test_a_reported_loss_is_only_a_hint() -> None:
    """It makes a silent host lost sooner, unless it connects again within 8 s: the broker may have lost it."""
    record = started()
    record.note_end("lost", "run-1", 1.0)
    states = [record.state(now, "up") for now in (1, 4, 8.9, 9)]
    assert states == ["live", "late", "late", "lost"]
    assert record.state(9, "down") == "unreachable"
    assert record.note_vitals(vitals(2), 10.0, 0.0)
    assert record.state(14, "up") == "late"


def test_an_incompatible_host_is_shown_as_such_until_it_sends_data() -> None:
    """With the reason."""
    record = started()
    record.note_failure("It has another protocol", is_incompatible=True)
    assert (record.state(0, "up"), record.reason) == ("incompatible", "It has another protocol")
    assert record.note_vitals(vitals(2), 1.0, 0.0)
    assert record.state(1, "up") == "live"


def test_two_runs_that_alternate_are_two_hosts() -> None:
    """Three times within ten seconds. It lasts for a minute after the last time."""
    record = started()
    for now, (run, seq) in enumerate([("run-2", 1), ("run-1", 2), ("run-2", 2)], 1):
        record.note_vitals(vitals(seq, run), float(now), 0.0)
        assert record.state(now, "up") == "live"
    record.note_vitals(vitals(3, "run-1"), 4.0, 0.0)
    assert record.state(4, "up") == "duplicate"
    record.note_vitals(vitals(4, "run-1"), 63.0, 0.0)
    assert record.state(63.9, "up") == "duplicate"
    assert record.state(64, "up") == "live"


def test_restarts_and_slow_alternation_are_no_duplicate() -> None:
    """Runs that are new each time, and two that alternate every six seconds."""
    record = started()
    for number in range(2, 10):
        record.note_vitals(vitals(1, f"run-{number}"), number / 10, 0.0)
        assert record.state(number / 10, "up") == "live"
    for number in range(1, 8):
        record.note_vitals(vitals(number, f"run-{1 + number % 2}"), number * 6.0, 0.0)
        assert record.state(number * 6, "up") == "live"


def test_a_conflict_comes_before_the_other_states_of_a_host_that_is_there() -> None:
    """Also before incompatible. One that is lost or gone is no duplicate, unless it is only not read."""
    record = started()
    record.conflict = "This host is watched already"
    record.note_failure("x", is_incompatible=True)
    assert record.state(100, "up") == "duplicate"
    record.note_failure("x", is_incompatible=False)
    assert record.state(100, "unknown") == "duplicate"
    assert not record.is_over(100, "unknown")
    assert record.state(100, "up") == "lost"
    assert record.is_over(100, "up")
    record.may_read = False
    assert record.state(100, "up") == "duplicate"
    assert not record.is_over(100, "up")


def test_a_duplicate_that_sends_is_live() -> None:
    """Unless it is not read. One that has stopped is not, although its last data are new."""
    record = started()
    record.conflict = "This host has the same id"
    assert (record.state(3, "up"), record.is_live(3)) == ("duplicate", True)
    assert not record.is_live(3.1)
    record.note_end("gone", "run-1", 1.0)
    assert not record.is_live(1)


def test_old_vitals_are_ignored() -> None:
    """Of the same run, with the same or a lower number."""
    record = started()
    assert record.note_vitals(vitals(5), 1.0, 0.0)
    assert not record.note_vitals(vitals(5), 2.0, 0.0)
    assert not record.note_vitals(vitals(4), 2.0, 0.0)
    assert record.heard_at == 1.0


@pytest.mark.parametrize(
    ("offsets", "shown"),
    [((0, 0.5, 1.9), None), ((5, 5, 5), 5.0), ((-60, 300, -60), -60.0), ((2, 2, 2), 2.0)],
)
def test_the_skew_is_the_median(offsets: tuple[float, ...], shown: float | None) -> None:
    """Of our clock minus the host's, and is shown from two seconds on."""
    record = Record(0.0)
    for seq, offset in enumerate(offsets, 1):
        record.note_vitals(vitals(seq, time=1000.0), float(seq), 1000.0 + offset)
    assert record.skew_seconds == shown


def test_the_sparkline_has_gaps() -> None:
    """A missing sample is a missing point, and so is each interval of silence before another run."""
    record = started()
    record.note_vitals(vitals(2, cpu=None), 1.0, 0.0)
    record.note_vitals(vitals(5, cpu=12.3), 4.0, 0.0)
    record.note_vitals(vitals(1, "run-2", cpu=200.0), 6.5, 0.0)
    series = record.sparkline.report()
    assert set(series) == {"cpu", "memory", "rx", "tx"}
    assert series["cpu"] == [50.0, None, None, None, 12.5, None, None, 100.0]
    assert series["rx"] == [None] * 8


def test_two_hosts_on_one_topic_are_named() -> None:
    """If the hello of both was seen."""
    record = Record(0.0)
    record.note_identity(identity("same", "run-1"))
    assert record.alternation.startswith("Two hosts have the same id")
    other = identity("same", "run-2")
    record.note_identity(other._replace(host=dataclasses.replace(other.host, name="shed")))
    assert record.alternation == (
        "name of same and shed have the same id; give one of them another with --host-id"
    )
