"""The alerts that only a front end can find: a host is lost, two hosts have one id, a clock differs.

They are the rules over the list ``hosts``. Everything else about them is as for the rules of one host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..metrics.sample import Sample
from . import hosts
from .alert import Alert
from .evaluator import REPEAT_SECONDS, Evaluator, Silenced
from .hosts import Identity, WatchedHost, maybe_identity
from .monitor import GAP_SECONDS
from .rule import Rule
from .saved import Saved

# A host that had an alert when the front end ended may take so long to appear again: the broker may be down, too.
# Until then, the alert stays.
RETURN_SECONDS = 600.0

# Called with the address, the id and the name of a host when its alerts change, and again and again while any fires:
# all that fire, and those that have just resolved. It must not wait.
NoteHost = Callable[[str, str, str, Sequence[Alert], Sequence[Alert]], None]


class FleetMonitor(Evaluator):
    """Watches the hosts of a front end. The thread of the fleet evaluates; any thread may call the other methods."""

    def __init__(
        self,
        load: Callable[[], tuple[Rule, ...]],
        *,
        saved: Saved | None,
        max_hosts: int,
        note: NoteHost | None = None,
        silenced: Silenced | None = None,
    ) -> None:
        """See Evaluator. Raises RuleError. ``note`` gets each change. The limits allow an alert for each host."""
        super().__init__(
            load,
            rules="rules over hosts",
            gap_seconds=GAP_SECONDS,
            saved=saved,
            silenced=silenced,
            max_hosts=max_hosts,
        )
        self._note = note
        # Each address with a restored alert, until the host appears or RETURN_SECONDS have passed.
        addresses = (alert.key for alert in self._engine.firing())
        self._missing = {key: WatchedHost(key) for key in addresses if isinstance(key, str)}
        self._missing_until: float | None = None
        # A host that does not answer after a restart of the front end has no known name, but its alert must
        # reach the same receivers, and be covered by the same silences, as before.
        self._identities: dict[str, Identity] = saved.hosts if saved else {}
        self._refresh_at = 0.0
        # By the address of the host, as on the wire.
        self.firing: Mapping[str, Sequence[dict[str, Any]]] = {}

    def evaluate(self, found: Sequence[WatchedHost], monotonic: float, time_unix: float) -> None:
        """Evaluate the rules for these hosts. ``firing`` has the result. An error is logged: it costs no overview."""
        try:
            self._note_hosts(found, monotonic, time_unix)
        except Exception as error:  # noqa: BLE001 (a mistake in the evaluation of a rule)
            self._note_error(error)

    def _note_hosts(self, found: Sequence[WatchedHost], monotonic: float, time_unix: float) -> None:
        found = [self._identified(host) for host in found]
        sections = {hosts.NAME: (*found, *self._still_missing(found, monotonic))}
        sample = Sample("", time_unix, monotonic, None, sections, {})
        changes = self._maybe_changes(sample, is_due=monotonic >= self._refresh_at)
        if changes is None:
            return
        self._refresh_at = monotonic + REPEAT_SECONDS
        by_address = _by_address(self._engine.firing())
        self.firing = {
            address: self._reports(alerts, *self._names(address))
            for address, alerts in by_address.items()
        }
        if self._note is not None:
            self._report(self._note, by_address, _by_address(changes))
        for address in self._identities.keys() - by_address.keys():
            del self._identities[address]

    def _identified(self, host: WatchedHost) -> WatchedHost:
        """Return the host with its id, name and site, also if it has answered only in the run before."""
        identity = maybe_identity(host)
        if identity is not None:
            self._identities[host.address] = identity
            return host
        known = self._identities.get(host.address)
        return host if known is None else replace(host, **known._asdict())

    def _names(self, address: str) -> tuple[str, str]:
        """Return the id and the name of a host. One that has never answered has its address as both."""
        known = self._identities.get(address)
        return (known.id, known.name) if known else (address, address)

    def _reports(
        self, alerts: Iterable[Alert], host_id: str, host_name: str
    ) -> list[dict[str, Any]]:
        """Return the alerts of a host as they are on the wire."""
        found = [alert.report() for alert in alerts]
        self._mark_silenced(host_id, host_name, found)
        return found

    def _report(
        self,
        note: NoteHost,
        firing: Mapping[str, Sequence[Alert]],
        changes: Mapping[str, Sequence[Alert]],
    ) -> None:
        for address in {**firing, **changes}:
            host_id, name = self._names(address)
            resolved = [alert for alert in changes.get(address, ()) if alert.state == "resolved"]
            note(address, host_id, name, firing.get(address, ()), resolved)

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


def _by_address(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(str(alert.key), []).append(alert)
    return found
