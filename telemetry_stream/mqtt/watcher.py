"""The thread ``ts-watch``: receives all hosts of a site from one of the brokers, and gives each to the table of hosts.

A host is discovered by its ``hello``. Everything else that arrives for it goes to its remote. What other threads want
of a remote reaches the thread as a request, of which only the last one for each host counts.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Sequence

from ..fleet.fleet import Fleet
from ..fleet.remote import ForeignHostError, IncompatibleError
from ..net.rate_limited_log import RateLimitedLog
from ..stream import Feed, HistoryLimits, Stream
from ..stream.received import ReceivedError, cost
from . import incoming, messages
from .broker_link import KEEPALIVE_SECONDS, BrokerLink
from .broker_remote import BrokerRemote, Request
from .brokers import Access, Broker
from .budget import CostBudget
from .connector import CLOSE_SECONDS, Connector
from .packets import Message
from .remotes import Remotes
from .session import Limits, Session
from .topics import DEFAULT_SITE, HostTopic, Topics, filters, maybe_host_topic

log = logging.getLogger(__name__)

MAX_PACKET_BYTES = 256 * 1024  # a part of an answer has 64 KiB, a sample with all processes more
# For each host: vitals every tenth of a second, or the messages after a connect.
PACKETS_PER_SECOND = 10
SPARE_PACKETS = 1000
# What arrives in this time is read together, so that a thousand hosts do not wake the thread a thousand times.
COLLECT_SECONDS = 0.02
IDLE_SECONDS = 1.0
# Of the texts of ``hello`` and ``state`` of one host: a hello costs 1 KB, and comes with each connection of an agent.
HELLO_COST_PER_SECOND = 16 * 1024
MOST_HELLO_COST = 256 * 1024
HELLO_SECONDS = 10.0  # between two requests for the ``hello`` of one host
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
        self._own: Feed | None = None
        self._remotes = Remotes(fleet, prefix, self._make_remote)
        self._states: dict[str, messages.HostState] = {}  # of hosts without a hello yet
        self._has_alerts: set[str] = set()  # likewise: their alerts were not kept
        self._requested: dict[str, float] = {}  # when a hello was requested
        self._budgets: dict[str, CostBudget] = {}  # by the id of a host
        self._serve_at = math.inf  # when a remote has something to publish
        self._hint_at = math.inf
        self._drops = RateLimitedLog(log, logging.WARNING)
        self._flood_at = -math.inf  # when there were too many packets
        self._floods = RateLimitedLog(log, logging.WARNING)

    def start(self) -> None:
        """Start the thread, after the fleet and its own host. Raises AccessError with one sentence."""
        if self._fleet.has_own:
            self._own = self._stream.feed()
            self._remotes.own_key = f"{self._site or DEFAULT_SITE}/{self._own.host.id}"
        self._connector.start("front", self._serve)

    def stop(self) -> None:
        """Begin to stop, without waiting."""
        self._connector.stop()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop, and wait up to ``seconds`` for the thread. Safe to repeat, and before ``start``."""
        self._connector.close(seconds)

    @property
    def is_running(self) -> bool:
        """Whether the thread runs."""
        return self._connector.is_running

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
        self._requested.clear()
        self._hint_at = now + SILENT_SECONDS
        names = ("hello", "state", "vitals", "alerts")
        session.subscribe(filters(self._prefix, self._site, names))
        for remote in self._watched():
            remote.begin(session)
        self._serve_at = now
        try:
            while session.end is None and not waiter.is_stopped:
                received = session.exchange(self._serve_remotes(session))
                self._link.note_received(session.received_at)
                self._note_flood(session.exceeded_at)
                for message in received:
                    if waiter.is_stopped:
                        break
                    self._receive(session, message)
                if received:
                    waiter.wait(COLLECT_SECONDS)
            if waiter.is_stopped:
                for remote in self._watched():
                    remote.set_want(session, None)
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
        return [remote for remote in self._remotes if remote.is_watched]

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
            due = [remote.serve(session) for remote in self._watched()]
            self._serve_at = min(due, default=math.inf)
        if session.has_unwritten:
            return IDLE_SECONDS
        return min(max(0.0, self._serve_at - now), IDLE_SECONDS)

    def _handle(self, session: Session, remote: BrokerRemote, request: Request) -> None:
        self._serve_at = 0.0
        if request == "close":
            remote.set_want(session, None)
            self._remotes.forget(remote)
        elif request == "unwatch":
            remote.set_want(session, None)
        elif remote.key in self._remotes.by_key:
            remote.set_want(session, request)

    # What arrives.

    def _receive(self, session: Session, message: Message) -> None:
        remote = self._remotes.by_vitals.get(message.topic)
        if remote is not None and not (message.is_retained or message.is_too_large):
            remote.note_vitals(message.payload)
            return
        topic = maybe_host_topic(self._prefix, message.topic)
        if topic is None:
            self._fleet.note_dropped("invalid")
            return
        if self._is_own(topic, message.payload):
            return
        try:
            self._receive_of(session, topic, message)
        except (ReceivedError, messages.MessageError) as error:
            is_foreign = isinstance(error, ForeignHostError)
            self._fleet.note_dropped("foreign host" if is_foreign else "invalid")
            self._drops.log("A message on %s was dropped: it %s", message.topic, error)

    def _is_own(self, topic: HostTopic, payload: bytes) -> bool:
        """Whether this program has published the message itself. Another host may have the same id."""
        own = self._own
        return (
            own is not None
            and f"{topic.site}/{topic.host}" == self._remotes.own_key
            and own.id.encode() in payload
        )

    def _receive_of(self, session: Session, topic: HostTopic, message: Message) -> None:
        """Raises ReceivedError and MessageError."""
        if message.is_too_large:
            raise ReceivedError(f"has more than {MAX_PACKET_BYTES} bytes")
        key, payload = f"{topic.site}/{topic.host}", message.payload
        remote = self._remotes.by_key.get(key)
        if topic.name in ("hello", "state"):
            self._receive_text(session, topic, message)
        elif topic.name == "alerts":
            self._receive_alerts(key, payload)
        elif message.is_retained:
            raise ReceivedError("is retained")
        elif remote is None or not remote.note_live(topic.name, payload):
            self._request_hello(session, key, topic)

    def _receive_text(self, session: Session, topic: HostTopic, message: Message) -> None:
        """Note a ``hello`` or a ``state``, which is parsed at once, or that it was deleted from the broker."""
        key = f"{topic.site}/{topic.host}"
        self._spend(topic.host, message.payload)
        if topic.name == "state":
            self._receive_state(key, message.payload)
        elif message.payload:
            self._receive_hello(key, topic, message)
            self._request_alerts(session, key, topic)
        else:
            self._receive_deletion(key)

    def _receive_deletion(self, key: str) -> None:
        """Forget a host whose ``hello`` was deleted, unless it sends: its agent publishes none until it connects."""
        remote = self._remotes.by_key.get(key)
        if remote is not None and not self._fleet.is_sending(remote):
            self._fleet.remove([remote])

    def _receive_state(self, key: str, payload: bytes) -> None:
        if not payload:
            self._states.pop(key, None)
            return
        state, remote = messages.parse_state(payload), self._remotes.by_key.get(key)
        if remote is not None:
            remote.note_state(state)
        elif len(self._states) < self._fleet.max_hosts:
            self._states[key] = state

    def _spend(self, host: str, payload: bytes) -> None:
        """Note the cost of a text that is parsed at once. Raises ReceivedError if the host has sent too many."""
        if host not in self._budgets and len(self._budgets) >= self._fleet.max_hosts:
            self._budgets.clear()
        budget = self._budgets.setdefault(host, CostBudget(HELLO_COST_PER_SECOND, MOST_HELLO_COST))
        if budget.owed:
            raise ReceivedError("is one of too many")
        budget.spend(cost(payload[: incoming.MAX_HELLO_BYTES].decode("latin-1")))

    def _receive_hello(self, key: str, topic: HostTopic, message: Message) -> None:
        is_former = key == self._remotes.own_key and key not in self._requested
        if message.is_retained and is_former:
            return  # of a former run of this program; the vitals of a live host with the same id request its hello
        try:
            identity = incoming.identity(message.payload, topic)
        except IncompatibleError as error:
            remote = self._remotes.maybe_get(key, topic)
            if remote is not None:
                remote.note_incompatible(str(error))
            return
        if message.is_retained and self._remotes.is_forgotten(key, identity.stream):
            return
        self._remotes.note_returned(key)
        remote = self._remotes.maybe_get(key, topic)
        if remote is None:
            return
        state = self._states.pop(key, None)
        if state is not None:
            remote.note_state(state)
        remote.note_hello(message.payload, identity, is_retained=message.is_retained)
        self._serve_at = 0.0

    def _receive_alerts(self, key: str, payload: bytes) -> None:
        remote = self._remotes.by_key.get(key)
        if remote is not None:
            remote.note_alerts(payload)
        elif len(self._has_alerts) < self._fleet.max_hosts:
            self._has_alerts.add(key)

    def _request_alerts(self, session: Session, key: str, topic: HostTopic) -> None:
        """Request the alerts of a host that came before its hello."""
        if key in self._has_alerts and key in self._remotes.by_key:
            self._has_alerts.discard(key)
            self._request_retained(session, topic, "alerts")

    def _request_hello(self, session: Session, key: str, topic: HostTopic) -> None:
        """Request the retained ``hello`` of a host: a broker drops messages to a client that is slow for a moment."""
        now = time.monotonic()
        self._remotes.note_returned(key)
        if (
            self._remotes.is_refused(key)
            or now < self._requested.get(key, -math.inf) + HELLO_SECONDS
        ):
            return
        if len(self._requested) >= self._fleet.max_hosts:
            self._requested.clear()
        self._requested[key] = now
        self._request_retained(session, topic, "hello")

    def _request_retained(self, session: Session, topic: HostTopic, name: str) -> None:
        """Request a retained message of a host once more: a new subscription brings it."""
        wanted = Topics(self._prefix, topic.site, topic.host).of(name)
        session.subscribe([wanted])
        session.unsubscribe([wanted])
