"""The mirrors of watched hosts: at most so many at a time, each until it is outdated or unused for a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from ..stream import Demand, Feed, Stream
from .alerts import UNKNOWN
from .host import Host
from .mirror import DEFAULT_SECTIONS, LINGER_SECONDS, ON_DEMAND, Gaps, Mirror
from .remote import Identity, Remote

JOINING_SECONDS = 10.0  # a viewer may take so long to join the mirror that it has requested


class NotWatchableError(Exception):
    """The host cannot be watched now: one sentence with the reason."""


class Mirrors:
    """Makes and ends mirrors. The caller holds the lock of the table of hosts."""

    def __init__(
        self,
        stream: Stream,
        gaps: Gaps,
        max_watched: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._gaps = gaps
        self._max_watched = max_watched
        self._monotonic = monotonic

    def get(self, host: Host, remote: Remote, hosts: Iterable[Host]) -> Mirror:
        """Return the mirror of a host, for a viewer that is about to join. ``hosts`` are all hosts.

        Raises NotWatchableError.
        """
        if host.mirror is not None and is_over(host, host.mirror):
            self.drop(host)
        mirror = host.mirror
        if mirror is None:
            mirror = self._make(host, remote, hosts)
        mirror.use()
        return mirror

    def _make(self, host: Host, remote: Remote, hosts: Iterable[Host]) -> Mirror:
        identity = host.identity
        if identity is None:
            reason = host.row.reason if host.row else None
            raise NotWatchableError(
                f"The host has not answered yet{f' ({reason})' if reason else ''}"
            )
        self._require_slot(hosts)
        labels = {"site": identity.site, "tags": identity.tags}

        def make_feed(demand: Demand) -> Feed:
            return self._stream.unlisted(
                replace(identity.host, id=host.id),
                section_names=(*DEFAULT_SECTIONS, *sorted(ON_DEMAND)),
                demand=demand,
                run=identity.stream,
                labels={name: value for name, value in labels.items() if value},
            )

        mirror = Mirror(
            make_feed,
            remote,
            self._gaps,
            interval_seconds=identity.interval_seconds,
            monotonic=self._monotonic,
        )
        mirror.identity = identity
        host.mirror = mirror
        mirror.publish_alerts(host.known_alerts)
        mirror.start()
        return mirror

    def _require_slot(self, hosts: Iterable[Host]) -> None:
        """Raise NotWatchableError if there are max_watched_hosts mirrors. One without a viewer gives its slot up."""
        mirrors = [(host.mirror, host) for host in hosts if host.mirror is not None]
        if len(mirrors) < self._max_watched:
            return
        unused = [
            (mirror.unused_seconds(), host)
            for mirror, host in mirrors
            if mirror.unused_seconds() > JOINING_SECONDS and not mirror.feed.audience.sections()
        ]
        if not unused:
            raise NotWatchableError(f"Limit of watched hosts reached ({self._max_watched})")
        self.drop(max(unused, key=lambda pair: pair[0])[1])

    @staticmethod
    def drop(host: Host) -> None:
        """End the mirror of a host, if it has one."""
        mirror, host.mirror = host.mirror, None
        if mirror is not None:
            mirror.stop()


def is_over(host: Host, mirror: Mirror) -> bool:
    """Whether the mirror of a host ends: it has had no viewer for a minute, or the host has another name or interval.

    The latter may be so after a restart of the host. Viewers get ``hello`` only when they connect, so they are closed.
    """
    if mirror.unused_seconds() > LINGER_SECONDS:
        return True
    return _maybe_shown(mirror.identity) != _maybe_shown(host.identity)


def _maybe_shown(identity: Identity | None) -> Identity | None:
    """Return what the ``hello`` of a mirror shows, besides the run and the alerts, which the feed itself has."""
    return None if identity is None else identity._replace(stream="", alerts=UNKNOWN)
