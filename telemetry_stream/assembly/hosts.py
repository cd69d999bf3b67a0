"""Builds the origins of samples: this host, and the table of other hosts on a front end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..hub import Hub
from ..metrics.source import Options, Source
from ..settings import Settings, SettingsError, listed
from ..stream import HistoryLimits, LocalHost, Observer
from .alerts import fleet_monitor

if TYPE_CHECKING:
    from ..fleet.fleet import Fleet
    from ..fleet.named import NamedHosts
    from ..fleet.watchlist import Target
    from ..notify.notifier import Notifier


def labels(settings: Settings) -> dict[str, object]:
    """Return what the settings add to ``hello``: nothing by default."""
    found: dict[str, object] = {}
    if settings.site:
        found["site"] = settings.site
    if settings.tags:
        found["tags"] = list(dict.fromkeys(listed(settings.tags)))
    return found


def local_host(
    settings: Settings,
    sources: Sequence[Source],
    labels: Mapping[str, object],
    observer: Observer,
) -> LocalHost:
    """Return this host. ``sources`` are those of an embedding program; ``observer`` gets each sample."""
    host = LocalHost(
        proc_root=settings.proc_root,
        sys_root=settings.sys_root,
        interval_seconds=settings.interval,
        idle_interval_seconds=settings.idle_interval,
        sources=sources,
        host_id=settings.host_id,
        labels=labels,
        options=Options(
            process_arguments=settings.process_arguments,
            container_api=listed(settings.container_api),
        ),
    )
    host.observe(observer)
    return host


def maybe_named(settings: Settings) -> NamedHosts | None:
    """Return the hosts that a front end watches directly, or None for a program that is none. Raises SettingsError."""
    if not settings.is_front_end:
        return None
    from ..fleet.named import NamedHosts  # noqa: PLC0415
    from ..fleet.watchlist import WatchError, targets  # noqa: PLC0415

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
    from ..fleet.fleet import Fleet  # noqa: PLC0415

    fleet = Fleet(
        hub,
        named.remotes,
        own_labels=own_labels,
        max_hosts=settings.max_hosts,
        max_watched=settings.max_watched_hosts,
        forget_seconds=settings.host_forget_seconds,
    )
    fleet.observe(fleet_monitor(settings, on_crash, notifier))
    return fleet
