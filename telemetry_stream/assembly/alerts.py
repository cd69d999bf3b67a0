"""Builds the alerts of this host and of a front end, and what notifies receivers of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..settings import Settings
from .errors import StartError

if TYPE_CHECKING:
    from ..alerts.alert import Alert
    from ..alerts.fleet_monitor import FleetMonitor, NoteHost
    from ..alerts.monitor import Monitor
    from ..alerts.rule import Rule
    from ..notify.notifier import Notifier


def maybe_notifier(
    settings: Settings, on_crash: Callable[[BaseException], None]
) -> Notifier | None:
    """Return what notifies receivers, or None if there is none. Raises StartError if one is not valid."""
    if not settings.notify:
        return None
    from ..notify.config import NotifyError, load  # noqa: PLC0415
    from ..notify.notifier import Notifier  # noqa: PLC0415

    try:
        return Notifier(
            lambda: load(settings.notify), state_dir=settings.state_dir, on_crash=on_crash
        )
    except NotifyError as error:
        raise StartError(str(error)) from error


def monitor(
    settings: Settings, on_crash: Callable[[BaseException], None], notifier: Notifier | None
) -> Monitor:
    """Return the alerts of this host. Raises StartError if a rule is not valid."""
    from ..alerts.monitor import Monitor  # noqa: PLC0415  # not needed by front ends without a host
    from ..alerts.rules import RuleError, load  # noqa: PLC0415
    from ..alerts.saved import Saved  # noqa: PLC0415

    def rules() -> tuple[Rule, ...]:
        return tuple(rule for rule in load(settings.rules) if not rule.is_of_hosts)

    saved = Saved(settings.state_dir, on_crash=on_crash) if settings.state_dir else None
    longest = max(settings.interval, settings.idle_interval)
    try:
        return Monitor(
            rules,
            longest_interval_seconds=longest,
            saved=saved,
            notify=None if notifier is None else notifier.note,
            silenced=None if notifier is None else notifier.silences,
        )
    except RuleError as error:
        raise StartError(str(error)) from error


def fleet_monitor(
    settings: Settings, on_crash: Callable[[BaseException], None], notifier: Notifier | None
) -> FleetMonitor:
    """Return the alerts that a front end finds. Raises StartError if a rule is not valid."""
    from ..alerts.fleet_monitor import FleetMonitor  # noqa: PLC0415  # needed by front ends only
    from ..alerts.rules import RuleError, load  # noqa: PLC0415
    from ..alerts.saved import FLEET_FILE, Saved  # noqa: PLC0415

    def rules() -> tuple[Rule, ...]:
        return tuple(rule for rule in load(settings.rules) if rule.is_of_hosts)

    directory = settings.state_dir
    saved = None
    if directory:
        max_hosts = settings.max_hosts
        saved = Saved(directory, on_crash=on_crash, file=FLEET_FILE, max_hosts=max_hosts)
    try:
        note = None if notifier is None else _note_of_fleet(notifier)
        return FleetMonitor(
            rules,
            saved=saved,
            max_hosts=settings.max_hosts,
            note=note,
            silenced=None if notifier is None else notifier.silences,
        )
    except RuleError as error:
        raise StartError(str(error)) from error


def _note_of_fleet(notifier: Notifier) -> NoteHost:
    """Return what passes the alerts of the fleet to the notifier. They are reported for each address."""

    def note(
        address: str,
        host_id: str,
        name: str,
        firing: Sequence[Alert],
        resolved: Sequence[Alert],
    ) -> None:
        fires, ended = ([alert.report() for alert in alerts] for alerts in (firing, resolved))
        notifier.note(host_id, name, fires, ended, scope=f"fleet {address}")

    return note
