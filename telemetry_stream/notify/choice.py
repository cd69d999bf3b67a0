"""What a receiver gets, and how often: the settings that all kinds of receivers have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ..alerts.rule import SEVERITIES
from .message import Alert


@dataclass(frozen=True, slots=True)
class Choice:
    """Which alerts. Each part that is not empty must match. Patterns are those of fnmatch: ``*``, ``?``, ``[abc]``."""

    severities: tuple[str, ...] = SEVERITIES
    rules: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()  # ids or names
    labels: Mapping[str, str] = field(default_factory=dict)

    def accepts(self, host_id: str, host_name: str, alert: Alert) -> bool:
        """Return whether an alert of a host matches."""
        if alert["severity"] not in self.severities:
            return False
        if self.rules and not any(fnmatchcase(alert["rule"], rule) for rule in self.rules):
            return False
        if self.hosts and not any(
            fnmatchcase(name, host) for host in self.hosts for name in (host_id, host_name)
        ):
            return False
        found = alert["labels"]
        return all(
            name in found and fnmatchcase(found[name], value) for name, value in self.labels.items()
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """When messages are sent: after a wait for further alerts, at most so many per hour, and again while one fires.

    ``remind_seconds`` is 0 for no reminders. ``resolved``: the end of an alert is sent, too.
    """

    wait_seconds: float = 10.0
    per_hour: int = 30
    remind_seconds: float = 0.0
    resolved: bool = True
