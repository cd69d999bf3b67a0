"""An alert: a rule whose condition has been true for long enough, for one row of its list or for the whole host."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..stream import to_json
from .rule import SEVERITIES, Severity

State = Literal["firing", "resolved"]

# Of all alerts in a message that fire, and of all that resolve. A front end reads messages of at most 64 KiB beside the
# vitals of a host.
MAX_BYTES = 24 * 1024


@dataclass(frozen=True, slots=True)
class Alert:
    """What is known of it at one time. ``since_unix`` is when the condition became true, by the host's wall clock.

    ``key`` tells it apart from other alerts of the same rule. ``is_known`` is false while its values are unknown: it
    stays as it was. ``section`` and ``fields`` are what the condition of its severity is about.
    """

    rule: str
    state: State
    severity: Severity
    key: Hashable
    labels: Mapping[str, str]
    since_unix: float
    text: str
    values: Mapping[str, Any]
    is_known: bool = True
    section: str | None = None
    fields: tuple[str, ...] = ()

    def report(self) -> dict[str, Any]:
        """Return it as it is on the wire."""
        return {
            "rule": self.rule,
            "state": self.state,
            "severity": self.severity,
            "section": self.section,
            "fields": self.fields,
            "labels": self.labels,
            "since_unix": self.since_unix,
            "text": self.text,
            "values": self.values,
            "known": self.is_known,
        }


def reports(alerts: Iterable[Alert]) -> tuple[list[dict[str, Any]], int]:
    """Return as many alerts as fit into a message, the highest severity first, and the number of those that do not."""
    ordered = sorted(alerts, key=lambda alert: (SEVERITIES.index(alert.severity), alert.since_unix))
    found: list[dict[str, Any]] = []
    size = 0
    for alert in ordered:
        report = alert.report()
        size += len(to_json(report)) + 1
        if size > MAX_BYTES:
            break
        found.append(report)
    return found, len(ordered) - len(found)
