"""Builds from the settings the alerts, and what only some installations need: receivers of notifications, the table of
other hosts, and clients of a broker. Their packages are imported only then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from .access.guard import Guard
from .hub import Hub
from .server.hosts import StreamHosts
from .settings import Settings, SettingsError, listed
from .stream import HistoryLimits, Stream

if TYPE_CHECKING:
    from .alerts.alert import Alert
    from .alerts.fleet import FleetMonitor, NoteHost
    from .alerts.monitor import Monitor
    from .alerts.rule import Rule
    from .fleet.hosts import Fleet
    from .fleet.named import NamedHosts
    from .fleet.watchlist import Target
    from .mqtt import Publisher
    from .mqtt.watcher import Watcher
    from .notify.notifier import Notifier
    from .server.fleet import FleetHosts
    from .server.notifications import Notifications


class StartError(Exception):
    """The program cannot start: one sentence with the reason."""


def labels(settings: Settings) -> dict[str, object]:
    """Return what the settings add to ``hello``: nothing by default."""
    found: dict[str, object] = {}
    if settings.site:
        found["site"] = settings.site
    if settings.tags:
        found["tags"] = list(dict.fromkeys(listed(settings.tags)))
    return found


def maybe_notifier(
    settings: Settings, on_crash: Callable[[BaseException], None]
) -> Notifier | None:
    """Return what notifies receivers, or None if there is none. Raises StartError if one is not valid."""
    if not settings.notify:
        return None
    from .notify.config import NotifyError, load  # noqa: PLC0415
    from .notify.notifier import Notifier  # noqa: PLC0415

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
    from .alerts.monitor import Monitor  # noqa: PLC0415  # not needed by front ends without a host
    from .alerts.rules import RuleError, load  # noqa: PLC0415
    from .alerts.saved import Saved  # noqa: PLC0415

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


def _fleet_monitor(
    settings: Settings, on_crash: Callable[[BaseException], None], notifier: Notifier | None
) -> FleetMonitor:
    """Return the alerts that a front end finds. Raises StartError if a rule is not valid."""
    from .alerts.fleet import FleetMonitor  # noqa: PLC0415  # needed by front ends only
    from .alerts.rules import RuleError, load  # noqa: PLC0415
    from .alerts.saved import FLEET_FILE, Saved  # noqa: PLC0415

    def rules() -> tuple[Rule, ...]:
        return tuple(rule for rule in load(settings.rules) if rule.is_of_hosts)

    directory = settings.state_dir
    saved = Saved(directory, on_crash=on_crash, file=FLEET_FILE) if directory else None
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


def maybe_named(settings: Settings) -> NamedHosts | None:
    """Return the hosts that a front end watches directly, or None for a program that is none. Raises SettingsError."""
    if not settings.is_front_end:
        return None
    from .fleet.named import NamedHosts  # noqa: PLC0415
    from .fleet.watchlist import WatchError, targets  # noqa: PLC0415

    def read() -> tuple[Target, ...]:
        return targets(
            settings.watch,
            settings.watch_file,
            allow_plain=settings.watch_allow_plain,
            limit=settings.max_hosts,
        )

    try:
        return NamedHosts(read, HistoryLimits(settings.history, settings.max_history_bytes))
    except WatchError as error:
        name = "watch_file" if settings.watch_file else "watch"
        raise SettingsError(name, getattr(settings, name), "the settings", str(error)) from None


def maybe_fleet(
    settings: Settings,
    hub: Hub,
    own_labels: Mapping[str, object] | None,
    named: NamedHosts | None,
    on_crash: Callable[[BaseException], None],
    notifier: Notifier | None,
) -> Fleet | None:
    """Return the hosts of a front end, or None if no other host is watched. Raises StartError.

    ``own_labels`` are those of this host, or None if it is not sampled. ``named`` are the hosts of the settings.
    """
    if named is None:
        return None
    from .fleet.hosts import Fleet  # noqa: PLC0415

    fleet = Fleet(
        hub,
        named.remotes,
        own_labels=own_labels,
        max_hosts=settings.max_hosts,
        max_watched=settings.max_watched_hosts,
        forget_seconds=settings.host_forget_seconds,
    )
    fleet.observe(_fleet_monitor(settings, on_crash, notifier))
    return fleet


def hosts(stream: Stream, fleet: Fleet | None) -> StreamHosts | FleetHosts:
    """Return the hosts that a request may name."""
    if fleet is None:
        return StreamHosts(stream)
    from .server.fleet import FleetHosts  # noqa: PLC0415

    return FleetHosts(fleet, stream.version)


def maybe_notifications(notifier: Notifier | None, guard: Guard) -> Notifications | None:
    """Return the routes of notifications, or None if there is no receiver."""
    if notifier is None:
        return None
    from .server.notifications import Notifications  # noqa: PLC0415

    return Notifications(notifier, guard.access)


def broker_clients(
    settings: Settings,
    stream: Stream,
    fleet: Fleet | None,
    on_crash: Callable[[BaseException], None],
) -> tuple[Publisher | Watcher, ...]:
    """Return the clients of the MQTT broker: none, the publisher, the watcher, or both. Raises StartError."""
    if not settings.mqtt_broker:
        return ()
    try:
        from .mqtt import Access, Publisher, parse_brokers  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "paho":
            raise
        raise StartError(
            "mqtt_broker requires the Python package paho-mqtt (pip install 'telemetry_stream[mqtt]')"
        ) from error
    brokers = parse_brokers(settings.mqtt_broker)
    access = Access(
        settings.mqtt_user,
        settings.mqtt_password_file,
        settings.mqtt_ca,
        settings.mqtt_cert,
        settings.mqtt_key,
    )
    clients: list[Publisher | Watcher] = []
    if settings.publishes:
        publisher = Publisher(
            stream,
            brokers,
            access,
            prefix=settings.mqtt_prefix,
            site=settings.site or "default",
            home_assistant=settings.mqtt_home_assistant,
            on_crash=on_crash,
        )
        clients.append(publisher)
    if fleet is not None and settings.watches_broker:
        from .mqtt.watcher import Watcher  # noqa: PLC0415  # agents do not need it

        watcher = Watcher(
            fleet,
            stream,
            brokers,
            access,
            prefix=settings.mqtt_prefix,
            site=settings.site,
            history=HistoryLimits(settings.history, settings.max_history_bytes),
            on_crash=on_crash,
        )
        clients.append(watcher)
    return tuple(clients)
