"""The hosts of a front end, as one origin of the stream.

One thread, ``ts-fleet``, decides once per second in which state each host is, sends the overview, and keeps the
mirrors. The threads of the remotes only note what they receive, so a host that hangs or floods costs no other anything.

This front end's own host is one of the rows if it is sampled here (own.py).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import threads
from ..alerts.fleet_monitor import FleetMonitor
from ..hub import Client, Hub
from ..net.rate_limited_log import RateLimitedLog
from ..stream import Feed, Stream
from .conflicts import Conflicts
from .host import Host
from .mirror import Gaps
from .mirrors import Mirrors, is_over
from .overview import Rows, Selected
from .overviews import Overviews
from .own import OwnHost, own_identity
from .record import State
from .remote import Dropped, Remote
from .table import Table

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
LATE_SECONDS = 5.0  # without a tick, the origin does not work
JOIN_SECONDS = 0.4

STATES: tuple[State, ...] = (
    "live", "late", "lost", "gone", "unreachable", "duplicate", "incompatible",
)  # fmt: skip
DROPPED: tuple[Dropped, ...] = ("invalid", "foreign host", "too many")


@dataclass(frozen=True, slots=True)
class FleetStats:
    """The counts of a fleet, for Prometheus."""

    hosts: dict[State, int]
    watched: int
    gaps_repaired: int
    gaps_unrepaired: int
    dropped: dict[Dropped, int]


class Fleet:
    """All hosts of this front end. As an Origin it starts and closes the remotes.

    Any thread may call any method.
    """

    def __init__(
        self,
        hub: Hub,
        remotes: Iterable[Remote],
        *,
        own_labels: Mapping[str, Any] | None,
        max_hosts: int,
        max_watched: int,
        forget_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        realtime: Callable[[], float] = time.time,
    ) -> None:
        """With ``own_labels`` (site and tags, both optional), the first feed of the stream is that of this host."""
        self._monotonic = monotonic
        self._realtime = realtime
        self._remotes = tuple(remotes)
        self._own_labels = own_labels
        self.max_hosts = max_hosts
        self._max_watched = max_watched
        self._forget_seconds = forget_seconds
        self._monitor: FleetMonitor | None = None
        self._overviews = Overviews(hub, realtime)
        self._table = Table(max_hosts, monotonic=monotonic, realtime=realtime)
        self._own: OwnHost | None = None
        self._errors = RateLimitedLog(log, logging.ERROR)
        self._gaps = Gaps()
        self._stream: Stream
        self._mirrors: Mirrors
        self._on_crash: Callable[[BaseException], None]
        self._ticked_at: float | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def observe(self, monitor: FleetMonitor) -> None:
        """Have ``monitor`` find alerts that a host cannot find itself. To be called before ``start``."""
        self._monitor = monitor

    # As an origin.

    def start(self, stream: Stream, on_crash: Callable[[BaseException], None]) -> None:
        """Start the remotes and ``ts-fleet``. Raises ThreadUnavailableError."""
        self._stream, self._on_crash = stream, on_crash
        self._mirrors = Mirrors(stream, self._gaps, self._max_watched, monotonic=self._monotonic)
        if self._own_labels is not None:
            feed = stream.feed()
            host = self._table.add_own(own_identity(feed, self._own_labels), lambda: feed.id)
            self._own = OwnHost(feed, host)
        if self._monitor is not None:
            self._monitor.start()
        for remote in self._remotes:
            self.maybe_add(remote)
        self._tick()
        self._thread = threads.start("ts-fleet", self._run, on_crash=on_crash)

    def maybe_problem(self) -> str | None:
        """Return a sentence if no overview has been made for 5 s."""
        if self._ticked_at is not None and self._monotonic() - self._ticked_at > LATE_SECONDS:
            return "the overview of hosts is not updated"
        return None

    def close(self) -> None:
        """Stop the thread and the remotes, and wait a moment for them."""
        self._stop.set()
        added = [host.remote for host in self._table.hosts() if host.remote is not None]
        remotes = dict.fromkeys((*self._remotes, *added))
        for remote in remotes:
            remote.close()
        deadline = time.monotonic() + JOIN_SECONDS
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_SECONDS)
        for remote in remotes:
            remote.join(deadline)
        if self._monitor is not None:
            self._monitor.close()

    def reload(self) -> None:
        """Load the rules over hosts again."""
        if self._monitor is not None:
            self._monitor.reload()

    # Hosts.

    def maybe_add(self, remote: Remote) -> Host | None:
        """Add a host and start its remote. Return None if there are max_hosts already.

        Raises ThreadUnavailableError. Then the host is not added.
        """
        host = self._table.maybe_add(remote)
        if host is None:
            self.note_dropped("too many")
            return None
        try:
            remote.start(host)
        except threads.ThreadUnavailableError:
            self._forget(host)
            raise
        return host

    def remove(self, remotes: Collection[Remote]) -> None:
        """Close remotes that were added, forget their hosts, and wait a moment for their threads."""
        for host in self._table.hosts():
            if host.remote in remotes:
                self._forget(host)
        deadline = time.monotonic() + JOIN_SECONDS
        for remote in remotes:
            remote.join(deadline)

    def note_dropped(self, why: Dropped) -> None:
        """Count a message that was discarded."""
        self._table.note_dropped(why)

    # Viewers of one host.

    @property
    def has_own(self) -> bool:
        """Whether this front end samples its own host."""
        return self._own_labels is not None

    def feed(self, host_id: str | None) -> tuple[Feed, Callable[[float], bool]]:
        """Return the feed of a host, and a function that waits until the feed has what the host remembers.

        None is this front end's own host. Raises UnknownHostError or NotWatchableError.
        """
        with self._table.lock:  # else the host might be forgotten meanwhile
            host = self._table.host(host_id)
            if host.remote is None:
                return self._stream.feed(), lambda _: True
            mirror = self._mirrors.get(host, host.remote, self._table.hosts())
        return mirror.feed, mirror.wait_filled

    # Viewers of the overview.

    def has_room_for(self, selection: Selected) -> bool:
        """Whether a viewer of the overview may join with this selection."""
        return self._overviews.has_room_for(selection)

    def join(self, client: Client, _user: str | None) -> bool:
        """Register ``client``, whose topic is an OverviewChoice, and queue its first messages."""
        return self._overviews.join(client)

    def report(self) -> dict[str, Any]:
        """Return the hosts as in ``/api/v1/hosts``."""
        return self._overviews.report()

    def alerts(self, host_id: str | None) -> dict[str, Any]:
        """Return the body of ``/api/v1/alerts`` for a host. None is this front end's own. Raises UnknownHostError."""
        host = self._table.host(host_id)
        if host.remote is None:
            return {"host": host.id, **self._stream.feed().alerts}
        known = host.known_alerts
        return {"host": host.id, "alerts": known.firing_alerts, "omitted_alerts": known.omitted}

    def found_alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that this front end has found, with the id and the name of their host as labels."""
        if self._monitor is None:
            return []
        firing = self._monitor.firing
        return [
            {**alert, "labels": {**alert["labels"], **_labels(host)}}
            for host in self._table.hosts()
            for alert in firing.get(host.key, ())
        ]

    def sparklines(self, ids: Iterable[str]) -> dict[str, Any]:
        """Return the sparklines of these hosts. Unknown ids are left out."""
        hosts = [(host_id, self._table.maybe_host(host_id)) for host_id in ids]
        return {host_id: host.sparkline() for host_id, host in hosts if host is not None}

    def stats(self) -> FleetStats:
        """The counts of this moment."""
        states = Counter(row.state for row in self._overviews.rows)
        watched = sum(host.mirror is not None for host in self._table.hosts())
        dropped = self._table.dropped()
        return FleetStats(
            {state: states[state] for state in STATES},
            watched,
            self._gaps.repaired,
            self._gaps.unrepaired,
            {why: dropped[why] for why in DROPPED},
        )

    # The tick.

    def _run(self) -> None:
        """Tick once per second until ``close``. Runs on ``ts-fleet``."""
        deadline = self._monotonic() + TICK_SECONDS
        while not self._stop.wait(max(0.0, deadline - self._monotonic())):
            self._tick()
            deadline = max(deadline + TICK_SECONDS, self._monotonic())

    def _tick(self) -> None:
        self._ticked_at = self._monotonic()
        if self._own is not None:
            self._own.read()
        # First all conflicts: the end of one may change the ids of two hosts.
        conflicts = Conflicts(self._table)
        for step in (conflicts.count, conflicts.end, self._tick_host):
            for host in self._table.hosts():
                try:
                    step(host)
                except Exception as error:  # noqa: BLE001 (a mistake costs this host a row, and no other anything)
                    self._note_error(host, error)
        self._find_alerts()
        rows = [host.row for host in self._table.hosts() if host.row is not None]
        self._overviews.send(Rows(rows))

    def _tick_host(self, host: Host) -> None:
        # A host that was live a moment ago is not forgotten now.
        if not host.is_live and host.is_forgotten(self._forget_seconds):
            self._forget(host)
            return
        host.update()
        mirror = host.mirror
        if mirror is not None:
            mirror.tick()
            with self._table.lock:  # a viewer may just have got another mirror, or this one
                if host.mirror is mirror and is_over(host, mirror):
                    Mirrors.drop(host)

    def _note_error(self, host: Host, error: Exception) -> None:
        self._errors.log("What was received of %s cannot be used: %r", host.key, error)

    def _find_alerts(self) -> None:
        """Evaluate the rules over hosts."""
        if self._monitor is None:
            return
        hosts = {host.key: host for host in self._table.hosts() if host.watched is not None}
        watched = [host.watched for host in hosts.values() if host.watched is not None]
        self._monitor.evaluate(watched, self._monotonic(), self._realtime())
        firing = self._monitor.firing
        for key, host in hosts.items():
            try:
                host.note_found_alerts(firing.get(key, ()))
            except Exception as error:  # noqa: BLE001 (as for a row)
                self._note_error(host, error)

    def _forget(self, host: Host) -> None:
        self._table.forget(host)
        if host.remote is not None:
            host.remote.close()


def _labels(host: Host) -> dict[str, str]:
    name = host.watched.name if host.watched else None
    return {"host": host.id, "host_name": name or host.id}
