"""The engine: evaluates all rules for one sample, and keeps for each alert when its condition became true.

Strategy. Most conditions are false in most samples, and nothing is kept for them: a rule without an alert costs only
its condition. An alert fires when its condition was true for the rule's ``for``. It resolves when the condition,
relaxed by the margin, was false for ``resolve_after``. Of several severities, the highest one counts.

Time is that of the samples (uptime, including suspend), never the wall clock. An unknown value neither fires nor
resolves an alert, and both times begin again after it. So does a gap: nothing is known of that time.

The time of an evaluation is limited in steps, each about 0.04 µs: a rule over long lists, or lists in lists, could
otherwise delay all samples. What exceeds the limit is unknown.

No clock, thread or file. One thread calls it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..metrics.sample import Sample
from .alert import Alert
from .logic import STEPS_OF_ROW, Rows, TooManyStepsError
from .rule import Rule, Table
from .tracked import Tracked, Truth, Watched

MAX_ALERTS = 256
MAX_ALL_ALERTS = 1024
PENDING_SHARE = 4  # so many times as many alerts are kept: those whose condition is not true for long enough yet, too
RESERVED_ALERTS = 16  # of each rule, which the pending alerts of other rules cannot take
MAX_STEPS = 2_000_000
MAX_SHARE = 0.25  # of the steps, for one rule
STEPS_OF_ALERT = 60
MAX_LABEL_CHARACTERS = 128


class Engine:
    """Evaluates rules, one sample after the other.

    ``on_demand`` are the on-demand sections that the rules need. Of the last sample, ``dropped`` is the number of
    alerts beyond the limits, and ``skipped`` are the rules that exceeded the limit of steps. An alert that is not even
    kept as pending is dropped once its rule has had such alerts for its ``for``.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        gap_seconds: float,
        restored: Iterable[Alert] = (),
        max_hosts: int = 0,
    ) -> None:
        """Begin with these rules.

        Samples are missing between two that are more than ``gap_seconds`` apart. ``restored`` are the alerts that fired
        in a run before. The limits allow an alert for each of ``max_hosts``.
        """
        self._changes: list[Alert] = []
        self.dropped = 0
        self._gap_seconds = gap_seconds
        self._max_alerts = max(MAX_ALERTS, max_hosts)
        self._max_all_alerts = max(MAX_ALL_ALERTS, 4 * max_hosts)
        self._max_steps = MAX_STEPS + 8 * STEPS_OF_ALERT * max_hosts
        self._alerts = 0  # that fire, of all rules
        self._kept = 0  # that fire or are pending
        self.skipped: list[str] = []
        self._watched = [Watched(rule) for rule in rules]
        self._removed: list[Alert] = []  # firing alerts whose rule is gone
        self._now = 0.0
        self._uptime: float | None = None
        self._is_first = True
        self._restore(restored)
        self.on_demand = self._on_demand()

    def _on_demand(self) -> frozenset[str]:
        """Return the on-demand sections that the rules need."""
        return frozenset().union(*(watched.rule.on_demand for watched in self._watched))

    def replace(self, rules: Iterable[Rule]) -> None:
        """Use other rules from the next sample on. A rule that has not changed keeps its state.

        The firing alerts of a changed rule stay; those of a rule that is gone are resolved by the next sample.
        """
        before = {watched.rule.name: watched for watched in self._watched}
        self._watched = []
        for rule in rules:
            known = before.get(rule.name)
            if known is not None and known.rule.source == rule.source:
                self._watched.append(before.pop(rule.name))
            else:
                self._watched.append(Watched(rule))
        self._restore([alert for watched in before.values() for alert in watched.firing()])
        self.on_demand = self._on_demand()

    def _restore(self, alerts: Iterable[Alert]) -> None:
        by_name = {watched.rule.name: watched for watched in self._watched}
        for alert in alerts:
            watched = by_name.get(alert.rule)
            if watched is None or not watched.restore(alert):
                self._removed.append(alert)

    def firing(self) -> list[Alert]:
        """Return all alerts that fire."""
        return [alert for watched in self._watched for alert in watched.firing()]

    def evaluate(self, sample: Sample, *, refresh: bool = False) -> list[Alert]:
        """Evaluate all rules. Return the alerts that fire, resolve, or have another severity now.

        With ``refresh``, the texts of firing alerts get the values of this sample if their conditions still hold.
        """
        is_gap = self._advance(sample)
        self._changes = [replace(alert, state="resolved") for alert in self._removed]
        self._removed = []
        self.dropped = 0
        self.skipped = []
        self._alerts = sum([watched.count for watched in self._watched])
        self._kept = sum([len(watched.alerts) for watched in self._watched])
        rows = Rows(sample.sections)
        left, share = self._max_steps, int(self._max_steps * MAX_SHARE)
        for watched in self._watched:
            watched.begin_sample()
            if watched.alerts:
                if is_gap:
                    watched.note_gap()
            elif watched.rule.has_no_list(sample.sections):
                continue
            most = rows.steps = min(left, share)
            try:
                if watched.alerts or not watched.rule.is_plain or watched.rule.may_fire(rows):
                    self._evaluate(watched, rows, sample, refresh)
            except TooManyStepsError:
                watched.note_unknown()
                self.skipped.append(watched.rule.name)
            left -= most - rows.steps
        return self._changes

    def _advance(self, sample: Sample) -> bool:
        """Move the time on. Return whether samples are missing before this one."""
        uptime, step = sample.uptime_seconds, sample.interval_seconds
        if uptime is not None and self._uptime is not None:
            step = uptime - self._uptime
        self._uptime = uptime
        is_gap = self._is_first or step is None or not 0 <= step <= self._gap_seconds
        self._is_first = False
        self._now += max(0.0, step or 0.0)
        return is_gap

    def _evaluate(self, watched: Watched, rows: Rows, sample: Sample, refresh: bool) -> None:
        rule, table = watched.rule, watched.rule.table
        if table is None:
            for window in rule.windows:
                window.advance((), rows, self._now, self._gap_seconds)
            if watched.alerts or rule.may_fire(rows):
                self._evaluate_row(watched, (), rows, sample, refresh)
            return
        found = table.rows(rows)
        if found is None:
            state = sample.sources.get(table.section)
            if state is None or state.state != "absent":
                watched.note_unknown()
                return
            found = ()  # this host does not have the section any more
        rows.spend(len(found) * (STEPS_OF_ROW + rule.steps))
        if watched.alerts or rule.windows:
            self._evaluate_known(watched, table, found, rows, sample, refresh)
            return
        may_fire = rule.may_fire
        for row in found:
            rows.row1 = row
            if may_fire(rows):
                self._evaluate_row(watched, table.key(row), rows, sample, refresh)

    def _evaluate_known(
        self,
        watched: Watched,
        table: Table,
        found: Iterable[Any],
        rows: Rows,
        sample: Sample,
        refresh: bool,
    ) -> None:
        """Evaluate a rule that has a state for each row: alerts or windows."""
        rule, alerts = watched.rule, watched.alerts
        seen: set[Hashable] = set()
        for row in found:
            rows.row1 = row
            key = table.key(row)
            if key in seen:  # two rows that cannot be distinguished: the first one counts
                continue
            seen.add(key)
            for window in rule.windows:
                window.advance(key, rows, self._now, self._gap_seconds)
            if key in alerts or rule.may_fire(rows):
                self._evaluate_row(watched, key, rows, sample, refresh)
        for window in rule.windows:
            window.keep(seen)
        for key in alerts.keys() - seen:  # such as those of a filesystem that was unmounted
            self._step(watched, alerts[key], [False] * len(rule.levels), None, refresh)

    def _evaluate_row(
        self, watched: Watched, key: Hashable, rows: Rows, sample: Sample, refresh: bool
    ) -> None:
        """Evaluate a rule that may fire, or has an alert, for one row of its list or for the host."""
        rows.spend(STEPS_OF_ALERT)
        rule, alerts = watched.rule, watched.alerts
        where = True if rule.where is None else rule.where(rows)
        truths: list[Truth] = [where] * len(rule.levels)
        if where is True:
            truths = [level.fires(rows) for level in rule.levels]
        one = alerts.get(key)
        if one is None:
            if where is not True:
                return
            if not self._may_keep(watched):
                self.dropped += self._now - watched.note_not_kept(self._now) >= rule.for_seconds
                return
            self._kept += 1
            unknown: list[float | None] = [None] * len(truths)
            one = alerts[key] = Tracked(key, _labels(rule, rows), unknown, sample.time_unix)
        self._step(watched, one, truths, rows if where is True else None, refresh)

    def _step(
        self,
        watched: Watched,
        one: Tracked,
        truths: Sequence[Truth],
        rows: Rows | None,
        refresh: bool,
    ) -> None:
        """Move an alert on. ``rows`` is None if its row is gone, or does not count (``where``)."""
        rule, now, level = watched.rule, self._now, one.level
        one.note_truths(truths, now)
        risen = one.highest(until=now - rule.for_seconds)
        if risen is not None and level is None and not self._has_room(watched):
            self.dropped += 1
        elif risen is not None and (level is None or risen < level):
            self._change(watched, one, risen, rows)
        elif level is None:
            if one.highest() is None:
                del watched.alerts[one.key]
        else:
            holds = truths[level] if rows is None else rule.levels[level].holds(rows)
            one.note_holds(holds, now)
            if refresh and rows is not None and holds is True:
                one.text, one.values = rule.wording.render(rows)
            if one.false_since is not None and now - one.false_since >= rule.resolve_seconds:
                self._change(watched, one, one.highest(level + 1), rows)

    def _may_keep(self, watched: Watched) -> bool:
        """Return whether one more alert of a rule may be pending."""
        count = len(watched.alerts)
        return count < RESERVED_ALERTS or (
            count < PENDING_SHARE * self._max_alerts
            and self._kept < PENDING_SHARE * self._max_all_alerts
        )

    def _has_room(self, watched: Watched) -> bool:
        """Return whether one more alert of a rule may fire."""
        return watched.count < self._max_alerts and self._alerts < self._max_all_alerts

    def _change(self, watched: Watched, one: Tracked, level: int | None, rows: Rows | None) -> None:
        """Give a severity to an alert. None: it resolves."""
        # The text before anything else: it may take too many steps, and then nothing must have changed.
        if level is not None and rows is not None:
            one.text, one.values = watched.rule.wording.render(rows)
        step = (level is not None) - (one.level is not None)
        watched.count += step
        self._alerts += step
        if level is None:
            del watched.alerts[one.key]
            self._changes.append(one.alert(watched.rule, "resolved"))
            return
        one.level, one.false_since, one.is_known = level, None, True
        self._changes.append(one.alert(watched.rule))


def _labels(rule: Rule, rows: Rows) -> dict[str, str]:
    """Return the labels of an alert: what tells its row apart, and those of the rule."""
    labels = dict(rule.labels)
    if rule.table is not None:
        for label, name in rule.table.identities.items():
            value = getattr(rows.row1, name)
            if value is not None:
                labels[label] = str(value)[:MAX_LABEL_CHARACTERS]
    return labels
