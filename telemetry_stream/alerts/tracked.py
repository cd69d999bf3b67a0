"""What the engine keeps of a rule: its alerts, pending or firing, and since when their conditions are true or false.

Times are in seconds of the engine. One thread calls it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .alert import Alert, State
from .rule import Rule

Truth = bool | None


@dataclass(slots=True)
class Tracked:
    """One alert. ``level`` is the index of its severity in the rule; None while it is pending.

    ``true_since`` has an entry for each severity. Times are in seconds of the engine.
    """

    key: Hashable
    labels: dict[str, str]
    true_since: list[float | None]
    since_unix: float
    level: int | None = None
    false_since: float | None = None
    is_known: bool = True
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def note_truths(self, truths: Sequence[Truth], now: float) -> None:
        """Note for which severities the condition is true now."""
        for i, truth in enumerate(truths):
            if truth is not True:
                self.true_since[i] = None
            elif self.true_since[i] is None:
                self.true_since[i] = now

    def highest(self, begin: int = 0, until: float | None = None) -> int | None:
        """Return the highest severity, from ``begin`` on, whose condition is true, and has been since ``until``."""
        for i in range(begin, len(self.true_since)):
            since = self.true_since[i]
            if since is not None and (until is None or since <= until):
                return i
        return None

    def note_holds(self, holds: Truth, now: float) -> None:
        """Note whether the condition of a firing alert still holds."""
        self.is_known = holds is not None
        if holds is not False:
            self.false_since = None
        elif self.false_since is None:
            self.false_since = now

    def forget_times(self) -> None:
        """Begin to count again: nothing is known of the time until now."""
        self.true_since = [None] * len(self.true_since)
        self.false_since = None

    def alert(self, rule: Rule, state: State = "firing") -> Alert:
        """Return what is known of it, once it has fired."""
        level = rule.levels[self.level or 0]
        return Alert(
            rule=rule.name,
            state=state,
            severity=level.severity,
            section=level.section,
            fields=level.fields,
            key=self.key,
            labels=self.labels,
            since_unix=self.since_unix,
            text=self.text,
            values=self.values,
            is_known=self.is_known,
        )


@dataclass(slots=True)
class Watched:
    """A rule, and its alerts by key, of which ``count`` fire.

    ``not_kept_since`` is when more rows than can be kept began to meet its condition, in each sample since then.
    """

    rule: Rule
    alerts: dict[Hashable, Tracked] = field(default_factory=dict)
    count: int = 0
    not_kept_since: float | None = None
    was_all_kept: bool = True

    def begin_sample(self) -> None:
        """Prepare for ``note_not_kept``."""
        if self.was_all_kept:
            self.not_kept_since = None
        self.was_all_kept = True

    def note_not_kept(self, now: float) -> float:
        """Note an alert that is not kept. Return since when there were some in each sample."""
        self.was_all_kept = False
        if self.not_kept_since is None:
            self.not_kept_since = now
        return self.not_kept_since

    def firing(self) -> Iterator[Alert]:
        """Yield the alerts that fire."""
        for one in self.alerts.values():
            if one.level is not None:
                yield one.alert(self.rule)

    def note_unknown(self) -> None:
        """Note that no value is known now."""
        self.note_gap()
        for one in self.alerts.values():
            one.is_known = False

    def note_gap(self) -> None:
        """Begin to count all times again. What was pending begins anew."""
        self.not_kept_since = None
        for key, one in list(self.alerts.items()):
            if one.level is None:
                del self.alerts[key]
            else:
                one.forget_times()

    def restore(self, alert: Alert) -> bool:
        """Continue with a firing alert. Return False if the rule does not have its severity, or has no such key.

        The key of a rule without a list is ``()``, and no row has this key.
        """
        severities = [level.severity for level in self.rule.levels]
        if alert.severity not in severities or (alert.key == ()) != (self.rule.table is None):
            return False
        self.count += alert.key not in self.alerts
        self.alerts[alert.key] = Tracked(
            key=alert.key,
            labels=dict(alert.labels),
            true_since=[None] * len(severities),
            since_unix=alert.since_unix,
            level=severities.index(alert.severity),
            text=alert.text,
            values=dict(alert.values),
        )
        return True
