"""The alerts that only a front end can find: a host is lost, two hosts have one id, a clock differs.

They are the rules over the list ``hosts``. Everything else about them is as for the rules of one host.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..metrics.sample import Sample
from ..net.rate_limited_log import RateLimitedLog
from . import hosts
from .alert import Alert
from .engine import Engine
from .hosts import WatchedHost
from .monitor import (
    GAP_SECONDS,
    LOGGED,
    REPEAT_SECONDS,
    Silenced,
    log_changes,
    log_skipped,
    mark_silenced,
)
from .rule import Rule
from .rules import RuleError
from .saved import Saved

log = logging.getLogger(__name__)

# A host that had an alert when the front end ended may take so long to appear again: the broker may be down, too.
# Until then, the alert stays.
RETURN_SECONDS = 600.0


# Called with the id and the name of a host when its alerts change, and again and again while any fires: all that fire,
# and those that have just resolved. It must not wait.
Note = Callable[[str, str, Sequence[Alert], Sequence[Alert]], None]


class FleetMonitor:
    """Watches the hosts of a front end. The thread of the fleet evaluates; any thread may call the other methods."""

    def __init__(
        self,
        load: Callable[[], tuple[Rule, ...]],
        *,
        saved: Saved | None,
        max_hosts: int,
        note: Note | None = None,
        silenced: Silenced | None = None,
    ) -> None:
        """Load the rules over hosts with ``load()``. Raises RuleError.

        ``saved`` keeps firing alerts on a disk. ``note`` gets each change. ``silenced`` marks alerts.
        """
        self._load = load
        self._saved = saved
        self._note = note
        self._silenced = silenced
        self._silences_version = 0
        self._next_rules: deque[tuple[Rule, ...]] = deque(maxlen=1)
        restored = saved.load() if saved else ()
        # Each address with an alert, until the host appears or RETURN_SECONDS have passed.
        self._missing = {
            alert.key: WatchedHost(alert.key) for alert in restored if isinstance(alert.key, str)
        }
        self._missing_until: float | None = None
        self._engine = Engine(
            load(), gap_seconds=GAP_SECONDS, restored=restored, max_hosts=max_hosts
        )
        self._refresh_at = 0.0
        # By the address of the host, as on the wire.
        self.firing: Mapping[str, Sequence[dict[str, Any]]] = {}
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
            log.error("Reload failed, keeping the previous rules over hosts: %s", error)
        else:
            self._next_rules.append(rules)
            log.info("Rules over hosts reloaded: %d", len(rules))

    def evaluate(self, found: Sequence[WatchedHost], monotonic: float, time_unix: float) -> None:
        """Evaluate the rules for these hosts. ``firing`` has the result. An error is logged: it costs no overview."""
        try:
            self._evaluate(found, monotonic, time_unix)
        except Exception as error:  # noqa: BLE001 (a mistake in the evaluation of a rule)
            self._errors.log("The rules over hosts cannot be evaluated: %r", error)

    def _evaluate(self, found: Sequence[WatchedHost], monotonic: float, time_unix: float) -> None:
        if self._next_rules:
            self._engine.replace(self._next_rules.pop())
        is_due = monotonic >= self._refresh_at
        if self._silenced is not None and self._silenced.version != self._silences_version:
            self._silences_version, is_due = self._silenced.version, True
        sections = {hosts.NAME: (*found, *self._still_missing(found, monotonic))}
        sample = Sample("", time_unix, monotonic, None, sections, {})
        changes = self._engine.evaluate(sample, refresh=is_due)
        log_skipped(self._errors, self._engine)
        if not changes and not is_due:
            return
        self._refresh_at = monotonic + REPEAT_SECONDS
        firing = self._engine.firing()
        by_address = _by_address(firing)
        names = {host.address: _names(host) for host in found}
        self.firing = {
            address: self._reports(alerts, *names.get(address, (address, address)))
            for address, alerts in by_address.items()
        }
        log_changes(self._log, changes)
        if changes and self._saved is not None:
            self._saved.keep(firing)
        if self._note is not None:
            self._report(self._note, names, by_address, _by_address(changes))

    def _reports(
        self, alerts: Iterable[Alert], host_id: str, host_name: str
    ) -> list[dict[str, Any]]:
        """Return the alerts of a host as they are on the wire."""
        found = [alert.report() for alert in alerts]
        mark_silenced(self._silenced, host_id, host_name, found)
        return found

    @staticmethod
    def _report(
        note: Note,
        names: Mapping[str, tuple[str, str]],
        firing: Mapping[str, Sequence[Alert]],
        changes: Mapping[str, Sequence[Alert]],
    ) -> None:
        for address in {**firing, **changes}:
            host_id, name = names.get(address, (address, address))  # it may have been forgotten
            resolved = [alert for alert in changes.get(address, ()) if alert.state == "resolved"]
            note(host_id, name, firing.get(address, ()), resolved)

    def _still_missing(
        self, found: Sequence[WatchedHost], monotonic: float
    ) -> Sequence[WatchedHost]:
        """Return the hosts with restored alerts that have not appeared yet. Nothing is known of them."""
        if not self._missing:
            return ()
        if self._missing_until is None:
            self._missing_until = monotonic + RETURN_SECONDS
        if monotonic > self._missing_until:
            self._missing.clear()
        for host in found:
            self._missing.pop(host.address, None)
        return tuple(self._missing.values())


def _names(host: WatchedHost) -> tuple[str, str]:
    """Return the id and the name of a host. One that has never answered has its address as both."""
    return host.id or host.address, host.name or host.address


def _by_address(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(str(alert.key), []).append(alert)
    return found
