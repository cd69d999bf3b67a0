"""Invented alerts."""

from __future__ import annotations

from typing import Any

from telemetry_stream.notify.entry import Note
from telemetry_stream.notify.message import Event, Kind, Message, key_of

Alert = dict[str, Any]


def alert(rule: str = "disk_full", severity: str = "warning", **labels: str) -> Alert:
    """Return an alert as on the wire."""
    return {
        "rule": rule,
        "state": "firing",
        "severity": severity,
        "labels": labels,
        "since_unix": 1_764_000_000.0,
        "text": f"{rule} has a value",
        "values": {},
        "known": True,
    }


def event(kind: Kind = "firing", host: str = "web1", **fields: Any) -> Event:
    """Return an event of an alert."""
    found = {**alert(), **fields}
    return Event(kind, key_of(host, found), f"id-{host}", host, found, found["since_unix"])


def message(*events: Event) -> Message:
    """Return a message with these events, or with one."""
    return Message(events or (event(),))


def note(
    *firing: Alert, resolved: tuple[Alert, ...] = (), omitted: int = 0, host: str = "web1"
) -> Note:
    """Return what a host reports."""
    return Note(f"id-{host}", f"id-{host}", host, firing, resolved, omitted)
