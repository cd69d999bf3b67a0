"""Alerts as messages have them: all fields, the most important ones first, and never too many bytes."""

from __future__ import annotations

from dataclasses import replace

from telemetry_stream.alerts.alert import MAX_BYTES, Alert, reports
from telemetry_stream.stream import to_json

ALERT = Alert(
    rule="full",
    state="firing",
    severity="warning",
    key=("/",),
    labels={"mountpoint": "/"},
    since_unix=1.5,
    text="/ is full",
    values={"used_percent": 95.0},
    section="filesystems",
    fields=("filesystems.used_percent",),
)


def test_a_report_has_all_fields() -> None:
    """Except the key, which the labels show."""
    assert ALERT.report() == {
        "rule": "full",
        "state": "firing",
        "severity": "warning",
        "section": "filesystems",
        "fields": ("filesystems.used_percent",),
        "labels": {"mountpoint": "/"},
        "since_unix": 1.5,
        "text": "/ is full",
        "values": {"used_percent": 95.0},
        "known": True,
    }


def test_higher_severities_and_older_alerts_come_first() -> None:
    """Whatever the order of the rules is."""
    alerts = [
        replace(ALERT, rule="c", severity="info", since_unix=1),
        replace(ALERT, rule="b", severity="warning", since_unix=3),
        replace(ALERT, rule="a", severity="warning", since_unix=2),
        replace(ALERT, rule="d", severity="critical", since_unix=4),
    ]
    found, omitted = reports(alerts)
    assert [one["rule"] for one in found] == ["d", "a", "b", "c"]
    assert omitted == 0


def test_a_message_is_limited_in_bytes() -> None:
    """What is left out is counted."""
    alerts = [replace(ALERT, text="ü" * 300, since_unix=number) for number in range(200)]
    found, omitted = reports(alerts)
    assert len(to_json(found)) <= MAX_BYTES + 2
    assert len(found) + omitted == 200
    assert len(found) > 20
