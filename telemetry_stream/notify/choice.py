"""What a receiver gets, and how often: the settings that all kinds of receivers have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ..alerts.rule import SEVERITIES
from .message import Alert


def is_match(
    host_id: str,
    host_name: str,
    alert: Alert,
    *,
    rules: Sequence[str],
    hosts: Sequence[str],
    labels: Mapping[str, str],
) -> bool:
    """Return whether an alert matches one pattern of each list that is not empty, and all labels (see fnmatch)."""
    if rules and not any(fnmatchcase(alert["rule"], rule) for rule in rules):
        return False
    names = (host_id, host_name)
    if hosts and not any(fnmatchcase(name, host) for host in hosts for name in names):
        return False
    found = alert["labels"]
    return all(name in found and fnmatchcase(found[name], value) for name, value in labels.items())


@dataclass(frozen=True, slots=True)
class Choice:
    """Which alerts. Each part that is not empty must match. Patterns are those of fnmatch: ``*``, ``?``, ``[abc]``."""

    severities: tuple[str, ...] = SEVERITIES
    rules: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()  # ids or names
    labels: Mapping[str, str] = field(default_factory=dict)

    def accepts(self, host_id: str, host_name: str, alert: Alert) -> bool:
        """Return whether an alert of a host matches."""
        return alert["severity"] in self.severities and is_match(
            host_id, host_name, alert, rules=self.rules, hosts=self.hosts, labels=self.labels
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
