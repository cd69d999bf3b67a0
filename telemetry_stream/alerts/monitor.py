"""The alerts of one host: evaluates the rules for each of its samples, and publishes what changes on its feed.

It runs on the thread that publishes the samples, after each one, and never waits there: 40 rules take about 0.1 ms
(scripts/bench-rules).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from ..metrics.sample import Sample
from ..net.rate_limited_log import RateLimitedLog
from ..stream import Feed
from .alert import Alert, reports
from .engine import Engine
from .rule import Rule
from .rules import RuleError
from .saved import Saved

log = logging.getLogger(__name__)

# Every viewer gets all alerts again after this time, so that one that has lost a message is right again, and texts have
# present values.
REPEAT_SECONDS = 60.0
LOGGED = 30  # lines a minute
SHOWN_RULES = 8

# Samples are missing if two are further apart than so many intervals, and than so many seconds.
GAP_INTERVALS = 3
GAP_SECONDS = 5.0


Reports = list[dict[str, Any]]
Notify = Callable[[str, str, Reports, Reports, int], object]


class Silenced(Protocol):
    """What tells which alerts notify nobody. ``version`` changes with each silence that is added or removed."""

    version: int

    def matches(self, host_id: str, host_name: str, alert: Mapping[str, Any]) -> bool:
        """Return whether an alert of a host is silenced now."""


def log_skipped(log: RateLimitedLog, engine: Engine) -> None:
    """Log which rules could not be evaluated for the last sample."""
    if engine.skipped:
        names = ", ".join(engine.skipped[:SHOWN_RULES])
        more = ", ..." if len(engine.skipped) > SHOWN_RULES else ""
        log.log("Rules are not evaluated, because lists are too long for them: %s%s", names, more)


def log_changes(log: RateLimitedLog, changes: Iterable[Alert]) -> None:
    """Log which alerts have fired, have resolved, or have another severity."""
    for alert in changes:
        log.log("Alert %s: %s, %s: %s", alert.rule, alert.state, alert.severity, alert.text)


def mark_silenced(
    silenced: Silenced | None, host_id: str, host_name: str, alerts: Iterable[dict[str, Any]]
) -> None:
    """Mark the alerts of a host that are silenced now."""
    if silenced is not None:
        for alert in alerts:
            if silenced.matches(host_id, host_name, alert):
                alert["silenced"] = True


class Monitor:
    """Watches one host. ``note`` is called by the thread that publishes; any thread may call the other methods."""

    def __init__(
        self,
        load: Callable[[], tuple[Rule, ...]],
        *,
        longest_interval_seconds: float,
        saved: Saved | None,
        notify: Notify | None = None,
        silenced: Silenced | None = None,
    ) -> None:
        """Load the rules with ``load()``. Raises RuleError.

        ``longest_interval_seconds`` is the time between two samples when no viewer is connected. ``saved`` keeps firing
        alerts on a disk; without it they end with the program. ``notify`` is called with id and name of the host, all
        alerts that fire, those that have resolved now, and how many are left out. ``silenced`` marks alerts.
        """
        self._load = load
        self._saved = saved
        self._notify = notify
        self._silenced = silenced
        self._silences_version = 0
        self._next_rules: deque[tuple[Rule, ...]] = deque(maxlen=1)
        self._engine = Engine(
            load(),
            gap_seconds=max(GAP_SECONDS, GAP_INTERVALS * longest_interval_seconds),
            restored=saved.load() if saved else (),
        )
        self._repeated_at: float | None = None  # seconds since 1970, of a sample
        self._log = RateLimitedLog(log, logging.WARNING, burst=LOGGED)
        self._errors = RateLimitedLog(log, logging.ERROR)

    def start(self) -> None:
        """Start the thread that saves alerts, if there is a state directory. Raises ThreadUnavailableError."""
        if self._saved is not None:
            self._saved.start()

    def close(self) -> None:
        """Save the last state. Safe to repeat."""
        if self._saved is not None:
            self._saved.close()

    @property
    def on_demand(self) -> frozenset[str]:
        """The on-demand sections that the rules need in each sample."""
        return self._engine.on_demand

    def reload(self) -> None:
        """Load the rules again, for the next sample. If they are not valid, log it and keep the previous ones."""
        try:
            rules = self._load()
        except RuleError as error:
            log.error("Reload failed, keeping the previous rules: %s", error)
        else:
            self._next_rules.append(rules)
            log.info("Rules reloaded: %d", len(rules))

    def note(self, feed: Feed, sample: Sample) -> None:
        """Evaluate the rules for a sample that ``feed`` has just published. An error is logged: it costs no sample."""
        try:
            self._note(feed, sample)
        except Exception as error:  # noqa: BLE001 (a mistake in the evaluation of a rule)
            self._errors.log("The rules cannot be evaluated: %r", error)

    def _note(self, feed: Feed, sample: Sample) -> None:
        if self._next_rules:
            self._engine.replace(self._next_rules.pop())
        repeated_at, now = self._repeated_at, sample.time_unix
        # The wall clock may be set back; then this is a repetition too many.
        is_due = repeated_at is None or not 0 <= now - repeated_at < REPEAT_SECONDS
        if self._silenced is not None and self._silenced.version != self._silences_version:
            self._silences_version, is_due = self._silenced.version, True
        changes = self._engine.evaluate(sample, refresh=is_due)
        log_skipped(self._errors, self._engine)
        if not changes and not is_due:
            return
        self._repeated_at = now
        firing = self._engine.firing()
        found, omitted = reports(firing)
        mark_silenced(self._silenced, feed.host.id, feed.host.name, found)
        resolved, _ = reports(alert for alert in changes if alert.state == "resolved")
        feed.publish_alerts(now, found, resolved, omitted + self._engine.dropped)
        log_changes(self._log, changes)
        if changes and self._saved is not None:
            self._saved.keep(firing)
        if self._notify is not None:
            ended = [alert.report() for alert in changes if alert.state == "resolved"]
            all_firing = [alert.report() for alert in firing]
            host = feed.host
            self._notify(host.id, host.name, all_firing, ended, self._engine.dropped)
