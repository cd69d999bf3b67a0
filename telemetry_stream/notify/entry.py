"""What a producer reports, and what a receiver's outbox keeps of each alert, also over a restart.

Times are in monotonic seconds, except those whose names end in ``unix``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..alerts.rule import SEVERITIES
from .message import Alert, Key, key_of


class Note(NamedTuple):
    """What a producer reports about a host: all alerts that fire, those that have resolved, how many are left out.

    ``scope`` names the producer and the host: an alert of this scope that is missing has resolved. ``passed`` is what
    fired in notes before this one that nobody has taken, and does not fire in this one.
    """

    scope: str
    host_id: str
    host_name: str
    firing: tuple[Alert, ...]
    resolved: tuple[Alert, ...]
    omitted: int = 0
    passed: tuple[Alert, ...] = ()

    def after(self, before: Note) -> Note:
        """Return this note with what it must have of one before it that nobody has taken."""
        firing = {key_of(self.scope, alert) for alert in self.firing}
        resolved = _by_key(self.scope, *before.resolved, *self.resolved)
        passed = _by_key(self.scope, *before.passed, *before.firing)
        return self._replace(
            resolved=tuple(resolved.values()),
            passed=tuple(alert for key, alert in passed.items() if key not in firing),
        )


def _by_key(scope: str, *alerts: Alert) -> dict[Key, Alert]:
    return {key_of(scope, alert): alert for alert in alerts}


@dataclass(slots=True)
class Entry:
    """One alert. ``sent`` is the severity that was delivered, None if the receiver has not got it as firing.

    ``lower_since`` is when its severity fell below each higher one. ``begun_unix`` and ``times`` are those of Event;
    ``reminders`` is the number of those that were delivered.
    """

    scope: str
    host_id: str
    host_name: str
    alert: Alert
    is_firing: bool
    is_due: bool
    changed_at: float  # when what is due became so
    begun_unix: float
    times: int = 1
    reminders: int = 0
    sent: str | None = None
    sent_at: float = 0.0
    lower_since: dict[str, float] = field(default_factory=dict)
    is_restored: bool = False

    @property
    def key(self) -> Key:
        return key_of(self.scope, self.alert)

    def note_due(self, now: float) -> None:
        """Note a change. The time of an earlier one that is still due counts."""
        if not self.is_due:
            self.is_due, self.changed_at = True, now

    def is_higher(self) -> bool:
        """Return whether the severity is higher than the delivered one."""
        return self.sent is None or rank(self.alert["severity"]) < rank(self.sent)

    def note_alert(self, alert: Alert, now: float, fall_seconds: float) -> bool:
        """Take its present state. Return whether ``sent`` has changed.

        When the severity was lower than the delivered one for more than ``fall_seconds``, the next lower one counts as
        delivered, and so on.
        """
        before = self.sent
        while self.sent is not None and now - self.lower_since.get(self.sent, now) > fall_seconds:
            self.sent = SEVERITIES[rank(self.sent) + 1]
        self.alert = alert
        higher = SEVERITIES[: rank(alert["severity"])]
        self.lower_since = {severity: self.lower_since.get(severity, now) for severity in higher}
        return self.sent != before

    def saved(self, unix_of: Callable[[float], float]) -> dict[str, Any]:
        """Return what a restart must remember. ``unix_of`` converts a time."""
        return {
            "scope": self.scope,
            "host_id": self.host_id,
            "host_name": self.host_name,
            "alert": self.alert,
            "is_firing": self.is_firing,
            "is_due": self.is_due,
            "changed_unix": unix_of(self.changed_at),
            "begun_unix": self.begun_unix,
            "times": self.times,
            "reminders": self.reminders,
            "sent": self.sent,
            "sent_unix": unix_of(self.sent_at),
        }


def restored(saved: Mapping[str, Any], time_of: Callable[[float], float]) -> Entry:
    """Return the entry that ``saved`` was called for. Raises ValueError, TypeError or KeyError for another form."""
    alert, sent = dict(saved["alert"]), saved["sent"]
    labels = dict(alert["labels"])
    texts = [saved["scope"], saved["host_id"], saved["host_name"], alert["rule"], alert["text"]]
    is_right = (sent is None or sent in SEVERITIES) and alert["severity"] in SEVERITIES
    if not is_right or not all(isinstance(text, str) for text in (*texts, *labels.values())):
        raise ValueError("an alert of a wrong form")
    alert["since_unix"] = float(alert["since_unix"])
    return Entry(
        scope=saved["scope"],
        host_id=saved["host_id"],
        host_name=saved["host_name"],
        alert=alert,
        is_firing=bool(saved["is_firing"]),
        is_due=bool(saved["is_due"]),
        changed_at=time_of(float(saved["changed_unix"])),
        begun_unix=float(saved["begun_unix"]),
        times=int(saved["times"]),
        reminders=int(saved["reminders"]),
        sent=sent,
        sent_at=time_of(float(saved["sent_unix"])),
        is_restored=True,
    )


def rank(severity: str) -> int:
    """Return 0 for the highest severity."""
    return SEVERITIES.index(severity)
