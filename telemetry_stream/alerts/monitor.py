"""The alerts of one host: evaluates the rules for each of its samples, and publishes what changes on its feed.

It runs on the thread that publishes the samples, after each one, and never waits there: 40 rules take about 0.1 ms
(scripts/bench-rules).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..metrics.sample import Sample
from ..stream import Feed
from .alert import reports
from .evaluator import REPEAT_SECONDS, Evaluator, Silenced
from .rule import Rule
from .saved import Saved

# Samples are missing if two are further apart than so many intervals, and than so many seconds.
GAP_INTERVALS = 3
GAP_SECONDS = 5.0

Reports = list[dict[str, Any]]
Notify = Callable[[str, str, Reports, Reports, int], object]


class Monitor(Evaluator):
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
        """See Evaluator. Raises RuleError.

        ``longest_interval_seconds`` is the time between two samples when no viewer is connected. ``notify`` is called
        with id and name of the host, all alerts that fire, those that have resolved now, and how many are left out.
        """
        super().__init__(
            load,
            rules="rules",
            gap_seconds=max(GAP_SECONDS, GAP_INTERVALS * longest_interval_seconds),
            saved=saved,
            silenced=silenced,
        )
        self._notify = notify
        self._repeated_at: float | None = None  # seconds since 1970, of a sample

    @property
    def on_demand(self) -> frozenset[str]:
        """The on-demand sections that the rules need in each sample."""
        return self._engine.on_demand

    def note(self, feed: Feed, sample: Sample) -> None:
        """Evaluate the rules for a sample that ``feed`` has just published. An error is logged: it costs no sample."""
        try:
            self._note(feed, sample)
        except Exception as error:  # noqa: BLE001 (a mistake in the evaluation of a rule)
            self._note_error(error)

    def _note(self, feed: Feed, sample: Sample) -> None:
        repeated_at, now = self._repeated_at, sample.time_unix
        # The wall clock may be set back; then this is a repetition too many.
        is_due = repeated_at is None or not 0 <= now - repeated_at < REPEAT_SECONDS
        changes = self._maybe_changes(sample, is_due=is_due)
        if changes is None:
            return
        self._repeated_at = now
        firing, host = self._engine.firing(), feed.host
        found, omitted = reports(firing)
        self._mark_silenced(host.id, host.name, found)
        resolved, _ = reports(alert for alert in changes if alert.state == "resolved")
        feed.publish_alerts(now, found, resolved, omitted + self._engine.dropped)
        if self._notify is not None:
            ended = [alert.report() for alert in changes if alert.state == "resolved"]
            all_firing = [alert.report() for alert in firing]
            self._notify(host.id, host.name, all_firing, ended, self._engine.dropped)
