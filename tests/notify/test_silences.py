"""Silences: what they match, their end, their number, and a restart."""

from __future__ import annotations

import json

import pytest

from telemetry_stream.notify.silences import MAX_SILENCES, Matcher, SilenceError, Silences
from tests.notify.alerts import alert, event


@pytest.mark.parametrize(
    ("matcher", "is_matched"),
    [
        (Matcher(rule="*"), True),
        (Matcher(rule="disk_*"), True),
        (Matcher(rule="disk"), False),
        (Matcher(severity="warning"), True),
        (Matcher(severity="critical"), False),
        (Matcher(host="web?"), True),
        (Matcher(host="id-web1"), True),
        (Matcher(host="db1"), False),
        (Matcher(labels={"device": "sd*"}), True),
        (Matcher(labels={"device": "sdb"}), False),
        (Matcher(labels={"other": "*"}), False),
        (Matcher(rule="disk_full", host="db1"), False),
    ],
)
def test_what_a_silence_matches(matcher: Matcher, is_matched: bool) -> None:
    """Each part that is given."""
    assert matcher.matches("id-web1", "web1", alert(device="sda")) is is_matched


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "name a rule"),
        ({"severity": "bad"}, "must be one of critical, warning, info"),
        ({"rule": "x" * 300}, "at most 200 printable"),
        ({"host": "a\nb"}, "at most 200 printable"),
        ({"labels": {f"l{i}": "x" for i in range(9)}}, "at most 8 labels"),
    ],
)
def test_a_matcher_that_is_not_allowed(fields: dict[str, str], reason: str) -> None:
    """A silence of all alerts must be meant."""
    with pytest.raises(SilenceError, match=reason):
        Matcher(**fields)  # type: ignore[arg-type]


def test_a_silence_has_an_end() -> None:
    """It can be removed before."""
    now = [1000.0]
    changes: list[int] = []
    silences = Silences(lambda: changes.append(1), lambda: now[0])
    assert not silences.cover(event())
    assert silences.maybe_next_end_seconds() is None
    first = silences.add(Matcher(rule="disk_full"), 60, by="ann", comment="new disk")
    assert first.report()["rule"] == "disk_full"
    second = silences.add(Matcher(rule="*"), 600, by="", comment="")
    assert silences.cover(event())
    assert silences.maybe_next_end_seconds() == 60
    now[0] += 60
    assert silences.current() == (second,)
    assert silences.remove(second.id)
    assert not silences.remove(second.id)
    assert not silences.cover(event())
    assert len(changes) == 4


def test_limits() -> None:
    """Of their number, time and comment."""
    silences = Silences(lambda: None)
    for seconds in (0, -1, 1e9, float("nan")):
        with pytest.raises(SilenceError, match="it must last from 1 to"):
            silences.add(Matcher(rule="a"), seconds, by="", comment="")
    with pytest.raises(SilenceError, match="a comment must have"):
        silences.add(Matcher(rule="a"), 1, by="", comment="a\nb")
    for _ in range(MAX_SILENCES):
        silences.add(Matcher(rule="a"), 60, by="", comment="")
    with pytest.raises(SilenceError, match="there are 100 silences already"):
        silences.add(Matcher(rule="a"), 60, by="", comment="")


def test_silences_survive_a_restart() -> None:
    """With everything that is known of them."""
    before, after = Silences(lambda: None), Silences(lambda: None)
    before.add(Matcher("a", "info", "b", {"c": "d"}), 60, by="ann", comment="why")
    after.restore(json.loads(json.dumps(before.saved())))
    assert after.current() == before.current()
    entry = before.saved()[0]
    for field, value in (("rule", 3), ("labels", {"a": 3}), ("until_unix", "x")):
        with pytest.raises((ValueError, TypeError)):
            after.restore([{**entry, field: value}])
