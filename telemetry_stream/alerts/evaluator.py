"""What all monitors do: load rules, evaluate them, log what changes, and save what fires."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from ..metrics.sample import Sample
from ..net.rate_limited_log import RateLimitedLog
from .alert import Alert
from .engine import Engine
from .rule import Rule
from .rules import RuleError
from .saved import Saved

log = logging.getLogger(__name__)

# What fires is published again after this time, so that a client that has lost a message is right again, and texts have
# present values.
REPEAT_SECONDS = 60.0
LOGGED = 30  # lines a minute
SHOWN_RULES = 8


class Silenced(Protocol):
    """What tells which alerts notify nobody. ``version`` changes with each silence that is added or removed."""

    version: int

    def matches(self, host_id: str, host_name: str, alert: Mapping[str, Any]) -> bool:
        """Return whether an alert of a host is silenced now."""


class Evaluator:
    """The rules of one monitor, which derives from it. One thread evaluates; any thread may call the public methods."""

    def __init__(
        self,
        load: Callable[[], tuple[Rule, ...]],
        *,
        rules: str,
        gap_seconds: float,
        saved: Saved | None,
        silenced: Silenced | None,
        max_hosts: int = 0,
    ) -> None:
        """Load the rules with ``load()``. Raises RuleError.

        ``rules`` is what the log calls them. Samples are missing between two that are more than ``gap_seconds`` apart.
        ``saved`` keeps firing alerts on a disk; without it they end with the program. ``silenced`` marks alerts.
        """
        self._load = load
        self._rules = rules
        self._saved = saved
        self._silenced = silenced
        self._silences_version = 0
        self._next_rules: deque[tuple[Rule, ...]] = deque(maxlen=1)
        self._engine = Engine(
            load(),
            gap_seconds=gap_seconds,
            restored=saved.load() if saved else (),
            max_hosts=max_hosts,
        )
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

    def reload(self) -> None:
        """Load the rules again, for the next evaluation. If they are not valid, log it and keep the previous ones."""
        try:
            rules = self._load()
        except RuleError as error:
            log.error("Reload failed, keeping the previous %s: %s", self._rules, error)
        else:
            self._next_rules.append(rules)
            log.info("%s reloaded: %d", self._rules.capitalize(), len(rules))

    def _maybe_changes(self, sample: Sample, *, is_due: bool) -> list[Alert] | None:
        """Evaluate the rules. Return what has changed, or None if there is nothing to publish.

        ``is_due``: what fires is to be published in any case, as it is after a silence was added or removed.
        """
        if self._next_rules:
            self._engine.replace(self._next_rules.pop())
        if self._silenced is not None and self._silenced.version != self._silences_version:
            self._silences_version, is_due = self._silenced.version, True
        changes = self._engine.evaluate(sample, refresh=is_due)
        if skipped := self._engine.skipped:
            names = ", ".join(skipped[:SHOWN_RULES]) + (
                ", ..." if len(skipped) > SHOWN_RULES else ""
            )
            self._errors.log(
                "Rules are not evaluated, because lists are too long for them: %s", names
            )
        for alert in changes:
            self._log.log(
                "Alert %s: %s, %s: %s", alert.rule, alert.state, alert.severity, alert.text
            )
        if changes and self._saved is not None:
            self._saved.keep(self._engine.firing())
        return changes if changes or is_due else None

    def _note_error(self, error: Exception) -> None:
        """Log a mistake in the evaluation of a rule."""
        self._errors.log("The %s cannot be evaluated: %r", self._rules, error)

    def _mark_silenced(
        self, host_id: str, host_name: str, alerts: Iterable[dict[str, Any]]
    ) -> None:
        """Mark the alerts of a host that are silenced now."""
        if self._silenced is not None:
            for alert in alerts:
                if self._silenced.matches(host_id, host_name, alert):
                    alert["silenced"] = True
