"""Gives each message of a broker to the remote of its host.

A host is discovered by its ``hello``. Its state or its alerts may arrive before that, since a broker sends retained
messages in any order: the state is kept, and the alerts are requested once more. A ``hello`` that was lost is requested
as soon as anything else of its host arrives.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..fleet.budget import CostBudget
from ..fleet.fleet import Fleet
from ..fleet.remote import ForeignHostError, IncompatibleError
from ..net.rate_limited_log import RateLimitedLog
from ..stream.received import ReceivedError, cost
from . import incoming, messages
from .lease import Connection
from .packets import Message
from .remotes import MAX_SITES, Remotes
from .topics import HostTopic, Topics, maybe_host_topic

log = logging.getLogger(__name__)

MAX_PACKET_BYTES = 256 * 1024  # a part of an answer has 64 KiB, a sample with all processes more
# Of the texts of ``hello`` and ``state`` of one host: a hello costs 1 KB, and comes with each connection of an agent.
HELLO_COST_PER_SECOND = 16 * 1024
MOST_HELLO_COST = 256 * 1024
LEAST_COST = 1024  # of any of them, also an empty one, and of a request for a ``hello``
HELLO_SECONDS = 10.0  # between two requests for the ``hello`` of one host


@dataclass(slots=True)
class _Early:
    """What came of a host before its ``hello``."""

    state: messages.HostState | None = None
    has_alerts: bool = False  # they were not kept


class Dispatcher:
    """Dispatches the messages of all connections. The thread of the watcher uses it.

    ``own_run`` returns the id of the run of this front end's own host, whose messages come back from the broker. An
    embedding program may begin another run at any time.
    """

    def __init__(
        self, fleet: Fleet, remotes: Remotes, prefix: str, on_hello: Callable[[], object]
    ) -> None:
        """``on_hello`` is called if a ``hello`` may have made something due that its remote publishes."""
        self.own_run: Callable[[], str] = str
        self._fleet = fleet
        self._remotes = remotes
        self._prefix = prefix
        self._on_hello = on_hello
        # By the id of a host, and by the site.
        self._early: dict[str, dict[str, _Early]] = {}
        self._requested: dict[str, float] = {}  # when a hello was requested
        self._budgets: dict[str, CostBudget] = {}  # by the id of a host
        self._drops = RateLimitedLog(log, logging.WARNING)

    def begin(self) -> None:
        """Begin on a new connection, which brings everything that is retained."""
        self._requested.clear()
        self._early.clear()

    def dispatch(self, broker: Connection, message: Message) -> None:
        """Give a message to the remote of its host. One that is not valid is counted, and logged."""
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
            self._receive(broker, topic, message)
        except (ReceivedError, messages.MessageError) as error:
            is_foreign = isinstance(error, ForeignHostError)
            self._fleet.note_dropped("foreign host" if is_foreign else "invalid")
            self._drops.log("A message on %s was dropped: it %s", message.topic, error)

    def _is_own(self, topic: HostTopic, payload: bytes) -> bool:
        """Whether this program has published the message itself. Another host may have the same id."""
        return topic.key == self._remotes.own_key and self.own_run().encode() in payload

    def _receive(self, broker: Connection, topic: HostTopic, message: Message) -> None:
        """Raises ReceivedError and MessageError."""
        if message.is_too_large:
            raise ReceivedError(f"has more than {MAX_PACKET_BYTES} bytes")
        payload, remote = message.payload, self._remotes.by_key.get(topic.key)
        if topic.name in ("hello", "state"):
            self._receive_text(broker, topic, message)
        elif topic.name == "alerts":
            self._receive_alerts(topic, payload)
        elif message.is_retained:
            raise ReceivedError("is retained")
        elif remote is None or not remote.note_live(topic.name, payload):
            self._request_hello(broker, topic)

    def _receive_text(self, broker: Connection, topic: HostTopic, message: Message) -> None:
        """Note a ``hello`` or a ``state``, which is parsed at once, or that it was deleted from the broker."""
        text = message.payload[: incoming.MAX_HELLO_BYTES].decode("latin-1")
        self._spend(topic.host, max(LEAST_COST, cost(text)))
        if topic.name == "state":
            self._receive_state(topic, message.payload)
        elif message.payload:
            self._receive_hello(broker, topic, message)
        else:
            self._receive_deletion(topic.key)

    def _receive_deletion(self, key: str) -> None:
        """Forget a host whose ``hello`` was deleted, unless it sends: its agent publishes none until it connects."""
        remote = self._remotes.by_key.get(key)
        if remote is not None and not remote.is_sending:
            self._fleet.remove([remote])

    def _receive_state(self, topic: HostTopic, payload: bytes) -> None:
        """Note a state; an empty one was deleted from the broker."""
        state = messages.parse_state(payload) if payload else None
        remote = self._remotes.by_key.get(topic.key)
        if remote is None:
            early = self._maybe_early(topic)
            if early is not None:
                early.state = state
        elif state is not None:
            remote.note_state(state)

    def _maybe_early(self, topic: HostTopic) -> _Early | None:
        """Return what came of a host before its ``hello``. None: there are too many such hosts, or sites of its id."""
        sites = self._early.get(topic.host, {})
        if topic.site not in sites:
            if len(sites) >= MAX_SITES or (not sites and len(self._early) >= self._fleet.max_hosts):
                return None
            self._early[topic.host] = sites
            sites[topic.site] = _Early()
        return sites[topic.site]

    def _take_early(self, topic: HostTopic) -> _Early:
        """Return and forget what came of a host before its ``hello``."""
        sites = self._early.get(topic.host, {})
        early = sites.pop(topic.site, _Early())
        if not sites:
            self._early.pop(topic.host, None)
        return early

    def _spend(self, host: str, amount: float) -> None:
        """Note the cost of something that is done at once. Raises ReceivedError if the host has caused too much."""
        if host not in self._budgets and len(self._budgets) >= self._fleet.max_hosts:
            self._budgets.clear()
        budget = self._budgets.setdefault(host, CostBudget(HELLO_COST_PER_SECOND, MOST_HELLO_COST))
        if budget.owed:
            raise ReceivedError("is one of too many")
        budget.spend(amount)

    def _receive_hello(self, broker: Connection, topic: HostTopic, message: Message) -> None:
        key = topic.key
        is_former = key == self._remotes.own_key and key not in self._requested
        if message.is_retained and is_former:
            return  # of a former run of this program; the vitals of a live host with the same id request its hello
        try:
            identity = incoming.identity(message.payload, topic)
        except IncompatibleError as error:
            remote = self._remotes.maybe_get(topic)
            if remote is not None:
                remote.note_incompatible(str(error))
            return
        if message.is_retained and self._remotes.is_forgotten(key, identity.stream):
            return
        self._remotes.note_returned(key)
        remote = self._remotes.maybe_get(topic)
        if remote is None:
            return
        early = self._take_early(topic)
        if early.state is not None:
            remote.note_state(early.state)
        remote.note_hello(message.payload, identity, is_retained=message.is_retained)
        self._on_hello()
        if early.has_alerts:
            self._request_retained(broker, topic, "alerts")

    def _receive_alerts(self, topic: HostTopic, payload: bytes) -> None:
        remote = self._remotes.by_key.get(topic.key)
        if remote is not None:
            remote.note_alerts(payload)
            return
        early = self._maybe_early(topic)
        if early is not None:
            early.has_alerts = True

    def _request_hello(self, broker: Connection, topic: HostTopic) -> None:
        """Request the retained ``hello`` of a host: a broker drops messages to a client that is slow for a moment.

        Raises ReceivedError if that was done too often for this id.
        """
        key, now = topic.key, time.monotonic()
        self._remotes.note_returned(key)
        if (
            self._remotes.is_refused(key)
            or now < self._requested.get(key, -math.inf) + HELLO_SECONDS
        ):
            return
        self._spend(topic.host, LEAST_COST)  # the id may come with ever new sites
        if len(self._requested) >= self._fleet.max_hosts:
            self._requested.clear()
        self._requested[key] = now
        self._request_retained(broker, topic, "hello")

    def _request_retained(self, broker: Connection, topic: HostTopic, name: str) -> None:
        """Request a retained message of a host once more: a new subscription brings it."""
        wanted = Topics(self._prefix, topic.site, topic.host).of(name)
        broker.subscribe([wanted])
        broker.unsubscribe([wanted])
