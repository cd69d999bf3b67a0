"""What an agent does on one connection to a broker: it publishes this host, and answers front ends.

It has no thread and no socket: the publisher calls ``begin``, and then ``serve`` whenever something may have happened.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..net.rate_limited_log import RateLimitedLog
from ..stream import Consumer, Stream
from . import messages
from .answers import Answers
from .fronts import MAX_FRONTS, Fronts
from .packets import Message
from .session import Session
from .topics import Topics

log = logging.getLogger(__name__)

VITALS = "vitals"
# Whatever others publish in its place, this host publishes its own state again at most this often.
CORRECTION_SECONDS = 1.0
ALERTS_SECONDS = 1.0  # between two states of the alerts, however often they change
CONFIRM_SECONDS = 10.0
# Leases and the keepalive are checked at least this often. Longer than a tick, so that each tick wakes the thread once.
IDLE_SECONDS = 2.5


class Confirmation:
    """Whether the broker forwards what this host publishes. Outlives connections, so that it is logged once."""

    def __init__(self) -> None:
        self._is_reported = False

    def missing(self) -> None:
        """Log, unless it was logged already, that nothing came back."""
        if not self._is_reported:
            self._is_reported = True
            log.warning("The MQTT broker does not forward what this host publishes: check its ACL")

    def arrived(self) -> None:
        """Note that something came back."""
        self._is_reported = False


class Agent:
    """Publishes one host on one connection, between ``begin`` and ``close``. One thread uses it.

    All times are monotonic seconds.
    """

    def __init__(
        self,
        session: Session,
        stream: Stream,
        topics: Topics,
        *,
        wake: Callable[[], object],
        confirmation: Confirmation,
        extra: Iterable[tuple[str, bytes]] = (),
    ) -> None:
        """``wake`` is called on the hub's thread when a message waits. ``extra`` are further retained messages."""
        self._session = session
        self._stream = stream
        self._feed = stream.feed()
        self._topics = topics
        self._wake = wake
        self._confirmation = confirmation
        self._extra = extra
        self._run = self._feed.id
        self._fronts = Fronts()
        self._answers = Answers(self._feed)
        self._vitals: Consumer | None = None
        self._samples: Consumer | None = None
        self._sections: list[str] | None = None  # of ``sample``; None: the default ones
        self._sent_seq = 0
        self._confirm_until = math.inf
        self._hello = b""
        self._alerts: Mapping[str, Any] | None = None  # as they were published
        self._alerts_at = -math.inf  # when they may be published again
        # Topics that this host must publish again, because of what another client published on them.
        self._corrections: dict[str, bytes] = {}
        self._correct_at = -math.inf
        self._dropped = RateLimitedLog(log, logging.WARNING)

    def begin(self, now: float) -> None:
        """Subscribe, and publish ``hello`` and ``state``. The order matters: the own state comes back only so."""
        topics = self._topics
        self._session.subscribe([topics.of(name) for name in ("state", "want", "ask")])
        self._vitals = self._attach([VITALS])
        # The first message of every consumer.
        self._hello = messages.hello(json.loads(self._vitals.take(0.0) or b"{}"))
        self._session.publish_retained(topics.of("hello"), self._hello)
        self._session.publish_retained(topics.of("state"), messages.state("live", self._run))
        for topic, payload in self._extra:
            self._session.publish_retained(topic, payload)
        self._confirm_until = now + CONFIRM_SECONDS

    def serve(self, received: Iterable[Message], now: float) -> float:
        """Handle what arrived and publish what waits. Return after how many seconds to call again at the latest."""
        for message in received:
            try:
                self._receive(message, now)
            except messages.MessageError as error:
                self._dropped.log("A message on %s was dropped: it %s", message.topic, error)
        if now >= self._confirm_until:
            self._confirm_until = math.inf
            self._confirmation.missing()
        self._correct(now)
        self._lease(now)
        self._publish_vitals()
        self._publish_alerts(now)
        self._publish_samples(self._samples)
        if not self._session.has_unwritten:
            self._answers.send(now, self._publish_part)
        until_next = self._answers.maybe_seconds_until_next(now)
        return IDLE_SECONDS if until_next is None else min(IDLE_SECONDS, until_next)

    @property
    def has_ended(self) -> bool:
        """Whether the stream was closed, or another run began."""
        return self._vitals is not None and self._vitals.end is not None

    def publish_gone(self) -> None:
        """Publish that this host stops: the last message before DISCONNECT."""
        self._session.publish_retained(self._topics.of("state"), messages.state("gone", self._run))

    def close(self) -> None:
        """Detach from the stream. Safe to repeat."""
        for consumer in (self._vitals, self._samples):
            if consumer is not None:
                consumer.close()

    def _attach(self, sections: Iterable[str] | None) -> Consumer:
        names = None if sections is None else list(sections)
        return self._stream.attach("mqtt", host=self._feed.host.id, sections=names, wake=self._wake)

    def _receive(self, message: Message, now: float) -> None:
        """Raises MessageError. A retained request is an old one."""
        topics = self._topics
        if message.is_too_large:
            raise messages.MessageError("is too large")
        if message.topic == topics.of("state"):
            self._check_state(messages.parse_state(message.payload), message.is_retained)
        elif message.is_retained:
            raise messages.MessageError("is retained")
        elif message.topic == topics.of("want"):
            want = messages.parse_want(message.payload)
            if not self._fronts.lease(want, now):
                raise messages.MessageError(
                    f"is of another front end than the {MAX_FRONTS} present ones"
                )
        elif message.topic == topics.of("ask"):
            ask = messages.parse_ask(message.payload)
            if not self._fronts.may_ask(ask.front, now):
                raise messages.MessageError(
                    f"asks twice within a second, or is of another front end than the {MAX_FRONTS} present ones"
                )
            self._answers.ask(ask, now)

    def _check_state(self, state: messages.HostState, is_retained: bool) -> None:
        """The will of a former connection may arrive late, and would stay in the place of ``live``.

        Another run that begins with the same id has replaced our ``hello``. It is published again, so that every front
        end gets both and can name the two hosts. A retained state is older than the one that ``begin`` published.
        """
        if is_retained:
            return
        if state.state != "live":
            self._corrections["state"] = messages.state("live", self._run)
        elif state.stream == self._run:
            self._confirm_until = math.inf
            self._confirmation.arrived()
        else:
            self._corrections["hello"] = self._hello

    def _correct(self, now: float) -> None:
        if not self._corrections or now < self._correct_at:
            return
        for name, payload in list(self._corrections.items()):
            if not self._session.publish(self._topics.of(name), payload, retain=True):
                return
            del self._corrections[name]
        self._correct_at = now + CORRECTION_SECONDS

    def _lease(self, now: float) -> None:
        """Attach to what is leased, before the former consumer is closed, so that no sample is missed."""
        wanted = self._fronts.maybe_wanted(now)
        # Which sections exist shows only with the first sample, which may come after the lease.
        sections = None if wanted is None else self._maybe_sections(wanted)
        former = self._samples
        if (wanted is None, sections) == (former is None, self._sections):
            return
        self._samples, self._sections = None, sections
        if wanted is not None:
            self._publish_samples(former)
            self._samples = self._attach(sections)
        if former is not None:
            former.close()

    def _maybe_sections(self, wanted: frozenset[str]) -> list[str] | None:
        """Return the sections of ``sample``: the default ones, and those on-demand ones that are wanted and exist."""
        newest = self._feed.maybe_newest()
        on_demand = frozenset() if newest is None else newest.on_demand - {VITALS}
        chosen = wanted & on_demand
        if not chosen:
            return None
        return [
            name
            for name in self._feed.section_names
            if name in chosen or (name not in on_demand and name != VITALS)
        ]

    def _publish_vitals(self) -> None:
        while self._vitals is not None and (text := self._vitals.take(0.0)) is not None:
            message = json.loads(text)
            # The newest sample at the time of attaching was taken without them.
            if VITALS in message:
                self._session.publish(self._topics.of(VITALS), messages.vitals(message))

    def _publish_alerts(self, now: float) -> None:
        """Publish the alerts as often as viewers get them: when they change, and each minute. The broker keeps them."""
        alerts = self._feed.alerts
        if alerts["alerts"] is None or now < self._alerts_at or alerts is self._alerts:
            return
        payload = messages.alerts(self._run, self._feed.alerts_time_unix, alerts)
        if self._session.publish(self._topics.of("alerts"), payload, retain=True):
            self._alerts, self._alerts_at = alerts, now + ALERTS_SECONDS

    def _publish_samples(self, samples: Consumer | None) -> None:
        """Publish the samples that wait."""
        while samples is not None and (text := samples.take(0.0)) is not None:
            seq = _maybe_seq(text)
            if seq is None or seq <= self._sent_seq:
                continue
            if self._session.publish(self._topics.of("sample"), messages.compressed(text)):
                self._sent_seq = seq

    def _publish_part(self, front: str, part: bytes) -> bool:
        return self._session.publish(self._topics.to(front), part)


def _maybe_seq(text: bytes) -> int | None:
    """Return the number of a ``sample`` message, which is not parsed as a whole; None for other messages."""
    head, found, rest = text[:128].partition(b'"seq":')
    if not found or not head.startswith(b'{"type":"sample"'):
        return None
    return int(rest.partition(b",")[0])
