"""The alerts of another host: checked, escaped and limited."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_stream.fleet.alerts import (
    MAX_ALERTS,
    MAX_BYTES,
    MAX_OMITTED,
    UNKNOWN,
    Summary,
    alerts_of,
    merged,
)
from telemetry_stream.stream.received import ReceivedError

ALERT: dict[str, Any] = {
    "rule": "full",
    "state": "firing",
    "severity": "warning",
    "section": "filesystems",
    "fields": ["filesystems.used_percent"],
    "labels": {"mountpoint": "/"},
    "since_unix": 1.5,
    "text": "/ is full",
    "values": {"used_percent": 95.5, "read_only": False, "fstype": "ext4", "rate": None},
    "known": True,
}


def test_alerts_are_passed_on_as_they_are() -> None:
    """What fires and what has resolved."""
    resolved = {**ALERT, "state": "resolved", "known": False, "silenced": True}
    found = alerts_of({"alerts": [ALERT, resolved], "omitted_alerts": 2, "time_unix": 7})
    assert found.firing_alerts == [ALERT]
    assert found.time_unix == 7
    assert found.resolved == (resolved,)
    assert found.omitted == 2


def test_a_host_without_rules_has_unknown_alerts() -> None:
    """Such as one of an older version."""
    assert alerts_of({}) == alerts_of({"alerts": None}) == UNKNOWN
    assert UNKNOWN.firing_alerts is None
    assert alerts_of({"alerts": []}).firing_alerts == []


def test_an_alert_without_a_section_may_be_of_any_rule() -> None:
    """One whose condition has no field, or an alert of a program that does not send it."""
    without = {name: ALERT[name] for name in ALERT if name not in ("section", "fields")}
    (found,) = alerts_of({"alerts": [without]}).firing_alerts or []
    assert (found["section"], found["fields"]) == (None, [])


def test_texts_are_escaped_and_cut_and_unknown_fields_are_left_out() -> None:
    """Whatever the host sends."""
    sent = {**ALERT, "text": "a\x1b[31m\u202e" + "x" * 1000, "labels": {"a\n": "\x00"}, "more": 1}
    (found,) = alerts_of({"alerts": [sent]}).firing_alerts or []
    assert found["text"].startswith("a\\x1b[31m\\u202exxx")
    assert len(found["text"]) == 512
    assert found["labels"] == {"a\\x0a": "\\x00"}
    assert set(found) == set(ALERT)


@pytest.mark.parametrize(
    "change",
    [
        {"rule": 3},
        {"severity": "worst"},
        {"severity": []},
        {"section": 3},
        {"fields": "filesystems"},
        {"fields": [3]},
        {"fields": [""] * 17},
        {"labels": []},
        {"labels": {"a": 1}},
        {"labels": {str(number): "" for number in range(17)}},
        {"since_unix": "1"},
        {"since_unix": True},
        {"text": None},
        {"values": None},
        {"values": {str(number): 1 for number in range(17)}},
    ],
)
def test_an_alert_of_a_wrong_form_is_refused(change: dict[str, Any]) -> None:
    """The whole message."""
    with pytest.raises(ReceivedError):
        alerts_of({"alerts": [{**ALERT, **change}]})


@pytest.mark.parametrize(
    "message", [{"alerts": 3}, {"alerts": [3]}, {"alerts": [], "omitted_alerts": -1}]
)
def test_a_message_of_a_wrong_form_is_refused(message: dict[str, Any]) -> None:
    """A list of objects, and a count."""
    with pytest.raises(ReceivedError):
        alerts_of(message)


def test_the_overview_has_counts_and_the_worst_text() -> None:
    """Of the firing ones. The text is cut."""
    sent = [
        {**ALERT, "severity": "info"},
        {**ALERT, "text": "y" * 500},
        {**ALERT, "text": "second"},
        {**ALERT, "severity": "critical", "state": "resolved"},
    ]
    assert alerts_of({"alerts": sent}).summary == Summary(0, 2, 1, "y" * 119 + "…")
    assert alerts_of({"alerts": []}).summary == Summary(0, 0, 0, None)
    assert UNKNOWN.summary == Summary(None, None, None, None)


def test_alerts_of_a_host_are_limited() -> None:
    """In number and in bytes; what is left out is counted."""
    short = {**ALERT, "section": None, "fields": [], "labels": {}, "values": {}, "text": ""}
    many = alerts_of({"alerts": [short] * 300})
    assert (len(many.firing_alerts or []), many.omitted) == (MAX_ALERTS, 300 - MAX_ALERTS)
    long = alerts_of({"alerts": [{**ALERT, "text": "x" * 500}] * 100, "omitted_alerts": 5})
    assert long.firing is not None
    assert len(long.firing) <= MAX_BYTES
    assert len(long.firing_alerts or []) + long.omitted == 105


def test_the_number_of_omitted_alerts_is_limited() -> None:
    """Also with those that are left out here. The alerts can still be merged with those of a front end."""
    message = {"alerts": [ALERT] * (MAX_ALERTS + 1), "omitted_alerts": MAX_OMITTED}
    received = alerts_of(message)
    assert received.omitted == MAX_OMITTED
    found = merged([{**ALERT, "rule": "host_lost"}], received, is_heard=False)
    assert [alert["rule"] for alert in found.firing_alerts or ()][:2] == ["host_lost", "full"]
    assert found.omitted == MAX_OMITTED
    with pytest.raises(ReceivedError):
        alerts_of({"alerts": [], "omitted_alerts": MAX_OMITTED + 1})
