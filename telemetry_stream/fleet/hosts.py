"""The table of hosts of a front end, as one origin of the stream.

One thread, ``ts-fleet``, decides once per second in which state each host is, sends the overview, and keeps the
mirrors. The threads of the remotes only note what they receive, so a host that hangs or floods costs no other anything.

This front end's own host is one of the rows if it is sampled here: its vitals come from its feed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import threads
from ..alerts.fleet import FleetMonitor
from ..hub import Client, Hub
from ..net.rate_limited_log import RateLimitedLog
from ..stream import Feed, Stream
from .alerts import Alerts, summary_of
from .host import Host
from .mirror import Gaps
from .mirrors import Mirrors, is_over
from .overview import Rows
from .overviews import Overviews
from .record import State
from .remote import Dropped, Identity, Remote, maybe_vitals

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
LATE_SECONDS = 5.0  # without a tick, the origin does not work
JOIN_SECONDS = 0.4

STATES: tuple[State, ...] = (
    "live", "late", "lost", "gone", "unreachable", "duplicate", "incompatible",
)  # fmt: skip
DROPPED: tuple[Dropped, ...] = ("invalid", "foreign host", "too many")


class UnknownHostError(LookupError):
    """There is no host with this id."""


@dataclass(frozen=True, slots=True)
class FleetStats:
    """The counts of a fleet, for Prometheus."""

    hosts: dict[State, int]
    watched: int
    gaps_repaired: int
    gaps_unrepaired: int
    dropped: dict[Dropped, int]


@dataclass(slots=True)
class _Table:
    """The hosts by number, and by id. Guarded by the lock of the fleet."""

    hosts: dict[int, Host] = field(default_factory=dict)
    by_id: dict[str, Host] = field(default_factory=dict)


class Fleet:
    """All hosts of this front end. As an Origin it starts and closes the remotes.

    Any thread may call any method. ``_lock`` guards the table. ``_dropped_lock`` guards the count of discarded
    messages: remotes report them within locks that are also taken within ``_lock``.
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
        self.monotonic = monotonic
        self.realtime = realtime
        self._remotes = tuple(remotes)
        self._own_labels = own_labels
        self.max_hosts = max_hosts
        self._max_watched = max_watched
        self._forget_seconds = forget_seconds
        self._monitor: FleetMonitor | None = None
        self._lock = threading.RLock()
        self._overviews = Overviews(hub, realtime)
        self._table = _Table()
        self._next_number = 1
        self._dropped_lock = threading.Lock()
        self._dropped: Counter[Dropped] = Counter()
        self._own: Host | None = None
        self._own_seq = 0
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
        self._mirrors = Mirrors(stream, self._gaps, self._max_watched, monotonic=self.monotonic)
        if self._own_labels is not None:
            self._add_own(stream.feed(), self._own_labels)
        if self._monitor is not None:
            self._monitor.start()
        for remote in self._remotes:
            self.add(remote)
        self._tick()
        self._thread = threads.start("ts-fleet", self._run, on_crash=on_crash)

    def maybe_problem(self) -> str | None:
        """Return a sentence if no overview has been made for 5 s."""
        if self._ticked_at is not None and self.monotonic() - self._ticked_at > LATE_SECONDS:
            return "the overview of hosts is not updated"
        return None

    def close(self) -> None:
        """Stop the thread and the remotes, and wait a moment for them."""
        self._stop.set()
        with self._lock:
            added = [host.remote for host in self._table.hosts.values() if host.remote is not None]
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

    def add(self, remote: Remote) -> Host | None:
        """Add a host and start its remote. Return None if there are max_hosts already."""
        host = self._add(remote.key, remote)
        if host is None:
            self.note_dropped("too many")
            return None
        remote.start(host)
        return host

    def remove(self, remotes: Collection[Remote]) -> None:
        """Close remotes that were added, forget their hosts, and wait a moment for their threads."""
        with self._lock:
            hosts = [host for host in self._table.hosts.values() if host.remote in remotes]
        for host in hosts:
            self._forget(host)
        deadline = time.monotonic() + JOIN_SECONDS
        for remote in remotes:
            remote.join(deadline)

    def _add(self, key: str, remote: Remote | None) -> Host | None:
        with self._lock:
            others = len(self._table.hosts) - (self._own is not None)
            if remote is not None and others >= self.max_hosts:
                return None
            host = Host(self._next_number, key, remote, self)
            self._next_number += 1
            self._table.hosts[host.number] = host
            self._table.by_id[host.id] = host
            return host

    def _add_own(self, feed: Feed, labels: Mapping[str, Any]) -> None:
        self._own = self._add("", None)
        if self._own is not None:
            interval = feed.demand.normal_interval_seconds
            site, tags = labels.get("site", ""), tuple(labels.get("tags", ()))
            self._own.identified(Identity(feed.host, feed.id, interval, site, tags))

    def resolve(self, host: Host, identity: Identity) -> tuple[str | None, bool]:
        """Give ``host`` the id of its hello, unless another host has it.

        Return why it is a duplicate (None: it is not), and whether its data may be read.
        """
        with self._lock:
            table = self._table
            other = table.by_id.get(identity.host.id)
            if other is None or other is host:
                self._rename_locked(host, identity.host.id)
                return None, True
            self._rename_locked(host, host.key)
            known = other.identity
            if known is not None and known.stream == identity.stream:
                if other is self._own:
                    return "This is the front end itself", False
                return f"This host is watched already, as {other.key}", False
            others = "the front end" if other is self._own else other.key
            other.set_conflict(
                f"{host.key} has the same id {identity.host.id}; give one of them another with --host-id"
            )
            return (
                f"{others} has the same id {identity.host.id}; give one of them another with --host-id",
                True,
            )

    def _rename_locked(self, host: Host, host_id: str) -> None:
        """Give a host another id. Viewers of the one before are closed: another host may get it."""
        table = self._table
        if host.id == host_id or host.number not in table.hosts:  # forgotten a moment ago
            return
        if table.by_id.get(host.id) is host:
            del table.by_id[host.id]
        host.id = host_id
        table.by_id[host_id] = host
        Mirrors.drop(host)

    def note_dropped(self, why: Dropped) -> None:
        """Count a message that was discarded."""
        with self._dropped_lock:
            self._dropped[why] += 1

    # Viewers of one host.

    @property
    def has_own(self) -> bool:
        """Whether this front end samples its own host."""
        return self._own_labels is not None

    def feed(self, host_id: str | None) -> tuple[Feed, Callable[[float], bool]]:
        """Return the feed of a host, and a function that waits until the feed has what the host remembers.

        None is this front end's own host. Raises UnknownHostError or NotWatchableError.
        """
        with self._lock:
            host = self._own if host_id is None else self._table.by_id.get(host_id)
            if host is None:
                raise UnknownHostError(host_id)
            if host.remote is None:
                return self._stream.feed(), lambda _: True
            mirror = self._mirrors.get(host, host.remote, self._table.hosts.values())
        return mirror.feed, mirror.wait_filled

    # Viewers of the overview.

    def join(self, client: Client, _user: str | None) -> bool:
        """Register ``client``, whose topic is an OverviewChoice, and queue its first messages."""
        return self._overviews.join(client)

    def report(self) -> dict[str, Any]:
        """Return the hosts as in ``/api/v1/hosts``."""
        return self._overviews.report()

    def alerts(self, host_id: str | None) -> dict[str, Any]:
        """Return the body of ``/api/v1/alerts`` for a host. None is this front end's own. Raises UnknownHostError."""
        with self._lock:
            host = self._own if host_id is None else self._table.by_id.get(host_id)
        if host is None:
            raise UnknownHostError(host_id)
        if host.remote is None:
            return {"host": host.id, **self._stream.feed().alerts}
        known = host.known_alerts
        return {"host": host.id, "alerts": known.firing_alerts, "omitted_alerts": known.omitted}

    def found_alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that this front end has found, with the id and the name of their host as labels."""
        if self._monitor is None:
            return []
        firing = self._monitor.firing
        with self._lock:
            hosts = [host for host in self._table.hosts.values() if host.key in firing]
        return [
            {**alert, "labels": {**alert["labels"], **_labels(host)}}
            for host in hosts
            for alert in firing[host.key]
        ]

    def sparklines(self, ids: Iterable[str]) -> dict[str, Any]:
        """Return the sparklines of these hosts. Unknown ids are left out."""
        with self._lock:
            hosts = [(host_id, self._table.by_id.get(host_id)) for host_id in ids]
        return {host_id: host.sparkline() for host_id, host in hosts if host is not None}

    def stats(self) -> FleetStats:
        """The counts of this moment."""
        states = Counter(row.state for row in self._overviews.rows)
        with self._lock:
            watched = sum(host.mirror is not None for host in self._table.hosts.values())
        with self._dropped_lock:
            dropped = {why: self._dropped[why] for why in DROPPED}
        return FleetStats(
            {state: states[state] for state in STATES},
            watched,
            self._gaps.repaired,
            self._gaps.unrepaired,
            dropped,
        )

    # The tick.

    def _run(self) -> None:
        """Tick once per second until ``close``. Runs on ``ts-fleet``."""
        deadline = self.monotonic() + TICK_SECONDS
        while not self._stop.wait(max(0.0, deadline - self.monotonic())):
            self._tick()
            deadline = max(deadline + TICK_SECONDS, self.monotonic())

    def _tick(self) -> None:
        self._ticked_at = self.monotonic()
        self._read_own()
        with self._lock:
            hosts = list(self._table.hosts.values())
        for host in hosts:
            try:
                self._tick_host(host, hosts)
            except Exception as error:  # noqa: BLE001 (a mistake costs this host a row, and no other anything)
                self._note_error(host, error)
        self._find_alerts()
        with self._lock:
            rows = [host.row for host in self._table.hosts.values() if host.row is not None]
        self._overviews.send(Rows(rows))

    def _tick_host(self, host: Host, hosts: Collection[Host]) -> None:
        # A host that was live a moment ago is not forgotten now.
        if not host.is_live and host.is_forgotten(self._forget_seconds):
            self._forget(host)
            return
        if host.conflict is not None and not self._has_conflict(host, hosts):
            host.set_conflict(None)
        host.update()
        mirror = host.mirror
        if mirror is not None:
            mirror.tick()
            if is_over(mirror):
                with self._lock:
                    Mirrors.drop(host)

    def _note_error(self, host: Host, error: Exception) -> None:
        self._errors.log("What was received of %s cannot be used: %r", host.key, error)

    def _find_alerts(self) -> None:
        """Evaluate the rules over hosts."""
        if self._monitor is None:
            return
        with self._lock:
            hosts = {
                host.key: host for host in self._table.hosts.values() if host.watched is not None
            }
        watched = [host.watched for host in hosts.values() if host.watched is not None]
        self._monitor.evaluate(watched, self.monotonic(), self.realtime())
        firing = self._monitor.firing
        for key, host in hosts.items():
            try:
                host.note_found_alerts(firing.get(key, ()))
            except Exception as error:  # noqa: BLE001 (as for a row)
                self._note_error(host, error)

    @staticmethod
    def _has_conflict(host: Host, hosts: Iterable[Host]) -> bool:
        """Whether another host has the same id in its hello."""
        ids = [other.identity.host.id for other in hosts if other.identity and other is not host]
        return host.identity is not None and host.identity.host.id in ids

    def _read_own(self) -> None:
        """Read the vitals and the alerts of this host from its feed."""
        if self._own is None:
            return
        feed = self._stream.feed()
        firing = feed.alerts["alerts"]
        if firing is not None:
            self._own.known_alerts = Alerts(summary=summary_of(firing))
        feed.demand.want(("vitals",))
        text = feed.maybe_latest(("vitals",))
        if text is not None and feed.seq != self._own_seq:
            self._own_seq = feed.seq
            self._own.vitals(text.decode(), lambda sent: maybe_vitals(sent, feed.host.id))

    def _forget(self, host: Host) -> None:
        with self._lock:
            self._table.hosts.pop(host.number, None)
            if self._table.by_id.get(host.id) is host:
                del self._table.by_id[host.id]
            Mirrors.drop(host)
        if host.remote is not None:
            host.remote.close()


def _labels(host: Host) -> dict[str, str]:
    name = host.watched.name if host.watched else None
    return {"host": host.id, "host_name": name or host.id}
