"""A message to a receiver: one or more events of alerts, their texts for people, and their form as JSON.

Names of files, units and hosts can contain any character. All texts here are escaped, so that none of them begins a
new line or changes the order of what is shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..alerts.rule import SEVERITIES
from ..escape import escaped

Kind = Literal["firing", "reminder", "resolved"]
Alert = Mapping[str, Any]  # as on the wire (docs/protocol.md)

MAX_LINE_CHARACTERS = 400


class Key(NamedTuple):
    """What tells an alert apart: the scope of its producer, its rule and its labels."""

    scope: str
    rule: str
    labels: tuple[tuple[str, str], ...]


def key_of(scope: str, alert: Alert) -> Key:
    """Return the key of an alert."""
    return Key(scope, alert["rule"], tuple(sorted(alert["labels"].items())))


@dataclass(frozen=True, slots=True)
class Event:
    """An alert has begun to fire, still fires, or has resolved.

    ``begun_unix`` is when it fired first since its last end that was delivered; ``times`` is how often since then.
    ``reminders`` is the number of reminders, with this one.
    """

    kind: Kind
    key: Key
    host_id: str
    host_name: str
    alert: Alert
    begun_unix: float
    times: int = 1
    reminders: int = 0

    @property
    def id(self) -> str:
        """The same for every message about this alert, from when it fires until its end is delivered."""
        parts = [*self.key, self.begun_unix]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def severity(self) -> str:
        severity: str = self.alert["severity"]
        return severity

    @property
    def line(self) -> str:
        """One line for people."""
        state = {"firing": self.severity, "reminder": f"still {self.severity}"}.get(self.kind)
        often = "" if self.times == 1 else f" (it fired {self.times} times)"
        text = f"{state or 'resolved'}{often}: {self.host_name}: {self.alert['text']}"
        line = escaped(text)
        cut = line if len(line) <= MAX_LINE_CHARACTERS else line[: MAX_LINE_CHARACTERS - 1] + "…"
        return f"{cut} [{self.alert['rule']}]"

    def report(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        host = {"id": self.host_id, "name": self.host_name}
        return {
            "id": self.id,
            "kind": self.kind,
            "times": self.times,
            "reminders": self.reminders,
            "begun_unix": self.begun_unix,
            "host": host,
            **self.alert,
        }


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to a receiver in one attempt."""

    events: tuple[Event, ...]
    is_test: bool = False

    @property
    def severity(self) -> str:
        """The highest severity of what fires; "resolved" if nothing does."""
        found = {event.severity for event in self.events if event.kind != "resolved"}
        return next((severity for severity in SEVERITIES if severity in found), "resolved")

    @property
    def title(self) -> str:
        """One line of at most 120 characters."""
        if self.is_test:
            return "Test of telemetry_stream"
        if len(self.events) == 1:
            event = self.events[0]
            return f"{self.severity}: {_short(event.host_name)}: {event.alert['rule']}"
        hosts = sorted({_short(event.host_name) for event in self.events})
        where = hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
        states = [
            "resolved" if event.kind == "resolved" else event.severity for event in self.events
        ]
        counts = {state: states.count(state) for state in (*SEVERITIES, "resolved")}
        parts = [f"{count} {state}" for state, count in counts.items() if count]
        return f"{where}: {', '.join(parts)}"

    @property
    def text(self) -> str:
        """A line for each event."""
        return "\n".join(event.line for event in self.events)

    def report(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "title": self.title,
            "text": self.text,
            "severity": self.severity,
            "status": "resolved" if self.severity == "resolved" else "firing",
            "test": self.is_test,
            "alerts": [event.report() for event in self.events],
        }


def fitting(events: Iterable[Event], max_events: int, max_characters: int) -> tuple[Event, ...]:
    """Return the first events whose lines fit into a message, one at least."""
    found: list[Event] = []
    size = 0
    for event in events:
        size += len(event.line) + 1
        if found and (len(found) == max_events or size > max_characters):
            break
        found.append(event)
    return tuple(found)


def sample_message(host_id: str, host_name: str, now_unix: float) -> Message:
    """Return the message of ``telemetry-stream notify test``."""
    alert = {
        "rule": "notify_test",
        "state": "firing",
        "severity": "info",
        "labels": {},
        "since_unix": now_unix,
        "text": "this is a test of the notifications of telemetry_stream; nothing is wrong",
        "values": {},
        "known": True,
    }
    event = Event("firing", key_of(host_id, alert), host_id, host_name, alert, now_unix)
    return Message((event,), is_test=True)


def _short(name: str) -> str:
    found = escaped(name)
    return found if len(found) <= 40 else found[:39] + "…"
