"""The thread ``ts-watch``: receives all hosts of a site from one of the brokers, and gives each to the table of hosts.

What arrives goes to the remote of its host (dispatcher.py). What other threads want of a remote reaches the thread as a
request, of which only the last one for each host counts.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Sequence

from ..fleet.fleet import Fleet
from ..net.rate_limited_log import RateLimitedLog
from ..stream import HistoryLimits, Stream
from .broker_link import KEEPALIVE_SECONDS, BrokerLink
from .broker_remote import BrokerRemote, Request
from .brokers import Access, Broker
from .connector import CLOSE_SECONDS, Connector
from .dispatcher import MAX_PACKET_BYTES, Dispatcher
from .remotes import Remotes
from .session import Limits, Session
from .topics import DEFAULT_SITE, Topics, filters

log = logging.getLogger(__name__)

# For each host: vitals every tenth of a second, or the messages after a connect.
PACKETS_PER_SECOND = 10
SPARE_PACKETS = 1000
# What arrives in this time is read together, so that a thousand hosts do not wake the thread a thousand times.
COLLECT_SECONDS = 0.02
IDLE_SECONDS = 1.0
SILENT_SECONDS = 10.0  # without any host, until a hint is logged


class Watcher:
    """Watches the hosts of ``site`` (empty: of all sites) from ``start`` to ``close``. Any thread may call any method.

    ``_lock`` guards the requests. Everything else belongs to the thread.
    """

    def __init__(
        self,
        fleet: Fleet,
        stream: Stream,
        brokers: Sequence[Broker],
        access: Access,
        *,
        prefix: str,
        site: str,
        history: HistoryLimits,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        """``stream`` has the feed of this front end's own host, if the fleet has one. ``history``: of each answer."""
        self._fleet = fleet
        self._stream = stream
        self._prefix = prefix
        self._site = site
        self._history = history
        self._max_packets = SPARE_PACKETS + PACKETS_PER_SECOND * fleet.max_hosts
        self._connector = Connector(
            "ts-watch",
            brokers,
            access,
            limits=Limits(
                packet_bytes=MAX_PACKET_BYTES,
                packets_per_second=self._max_packets,
                keepalive_seconds=KEEPALIVE_SECONDS,
            ),
            on_crash=on_crash,
        )
        self._front = os.urandom(8).hex()
        self._link = BrokerLink()
        self._lock = threading.Lock()
        self._requests: dict[BrokerRemote, Request] = {}
        self._remotes = Remotes(fleet, prefix, self._make_remote)
        self._dispatcher = Dispatcher(fleet, self._remotes, prefix, self._serve_soon)
        self._serve_at = math.inf  # when a remote has something to publish
        self._hint_at = math.inf
        self._flood_at = -math.inf  # when there were too many packets
        self._floods = RateLimitedLog(log, logging.WARNING)

    def start(self) -> None:
        """Start the thread, after the fleet and its own host. Raises AccessError with one sentence."""
        if self._fleet.has_own:
            own = self._stream.feed()
            self._remotes.own_key = f"{self._site or DEFAULT_SITE}/{own.host.id}"
            self._dispatcher.own_run = lambda: own.id
        self._connector.start("front", self._serve)

    def stop(self) -> None:
        """Begin to stop, without waiting."""
        self._connector.stop()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop, and wait up to ``seconds`` for the thread. Safe to repeat, and before ``start``."""
        self._connector.close(seconds)

    def _make_remote(self, topics: Topics) -> BrokerRemote:
        return BrokerRemote(topics, self._front, self._link, self._request, self._history)

    def _request(self, remote: BrokerRemote, request: Request) -> None:
        """Leave a request for the thread. Any thread; the caller may hold locks."""
        with self._lock:
            if self._requests.get(remote) != "close":
                self._requests[remote] = request
        self._connector.waiter.wake()

    def _serve(self, session: Session) -> None:
        """Use one connection until it ends. Runs on ts-watch."""
        waiter, now = self._connector.waiter, time.monotonic()
        self._link.note_connected()
        self._dispatcher.begin()
        self._hint_at = now + SILENT_SECONDS
        names = ("hello", "state", "vitals", "alerts")
        session.subscribe(filters(self._prefix, self._site, names))
        for remote in self._watched():
            remote.lease.begin(session)
        self._serve_at = now
        try:
            while session.end is None and not waiter.is_stopped:
                received = session.exchange(self._serve_remotes(session))
                self._link.note_received(session.received_at)
                self._note_flood(session.exceeded_at)
                for message in received:
                    if waiter.is_stopped:
                        break
                    self._dispatcher.dispatch(session, message)
                if received:
                    waiter.wait(COLLECT_SECONDS)
            if waiter.is_stopped:
                for remote in self._watched():
                    remote.lease.set_want(session, None)
        finally:
            self._link.note_disconnected()

    def _note_flood(self, at: float) -> None:
        if at > self._flood_at:
            self._flood_at = at
            self._link.note_exceeded(at)
            self._floods.log(
                "The MQTT broker has more than %d messages per second for this front end, and may drop some; "
                "silent hosts are unreachable meanwhile",
                self._max_packets,
            )

    def _watched(self) -> list[BrokerRemote]:
        return [remote for remote in self._remotes if remote.lease.is_held]

    def _serve_remotes(self, session: Session) -> float:
        """Do what is due, and return after how many seconds something is due again."""
        with self._lock:
            requests, self._requests = self._requests, {}
        for remote, request in requests.items():
            self._handle(session, remote, request)
        now = time.monotonic()
        if now >= self._hint_at:
            self._hint_at = math.inf
            if not self._remotes.by_key:
                log.warning("No host publishes itself on the MQTT broker (or its ACL denies it)")
        if now >= self._serve_at:
            due = [remote.lease.serve(session) for remote in self._watched()]
            self._serve_at = min(due, default=math.inf)
        if session.has_unwritten:
            return IDLE_SECONDS
        return min(max(0.0, self._serve_at - now), IDLE_SECONDS)

    def _serve_soon(self) -> None:
        self._serve_at = 0.0

    def _handle(self, session: Session, remote: BrokerRemote, request: Request) -> None:
        self._serve_soon()
        if request == "close":
            remote.lease.set_want(session, None)
            self._remotes.forget(remote)
        elif request == "unwatch":
            remote.lease.set_want(session, None)
        elif remote.key in self._remotes.by_key:
            remote.lease.set_want(session, request)
