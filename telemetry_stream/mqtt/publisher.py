"""The thread ``ts-mqtt``: connects to one of the brokers, publishes this host on it, and connects again after failures.

Nothing else waits for it: samples reach it as they reach any viewer, through a queue of the hub.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from .. import __version__, threads
from ..net.rate_limited_log import RateLimitedLog
from ..stream import Stream
from . import messages
from .agent import Agent, Confirmation
from .backoff import Backoff
from .brokers import Access, AccessError, Broker
from .dial import Dialer, DialError
from .discovery import discovery
from .session import Login, Session
from .topics import Topics
from .waiter import StoppedError, Waiter

log = logging.getLogger(__name__)

FINISH_SECONDS = 0.4  # to send the last messages; a close takes at most 0.5 s
CLOSE_SECONDS = 0.5


class Publisher:
    """Publishes the first host of ``stream`` from ``start`` to ``close``.

    ``home_assistant``: publish device discovery, too. ``on_crash`` is called if the thread dies of an unexpected error.
    Any thread may call any method.
    """

    def __init__(
        self,
        stream: Stream,
        brokers: Sequence[Broker],
        access: Access,
        *,
        prefix: str,
        home_assistant: bool = False,
        site: str = "default",
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._stream = stream
        self._brokers = tuple(brokers)
        self._access = access
        self._prefix = prefix
        self._site = site
        self._home_assistant = home_assistant
        self._on_crash = on_crash
        self._waiter = Waiter()
        self._dialer = Dialer(self._waiter)
        self._confirmation = Confirmation()
        self._failures = RateLimitedLog(log, logging.WARNING, burst=3)
        self._topics: Topics
        self._client_id = ""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread. Raises ValueError (AccessError) with one sentence, and LookupError if there is no host."""
        self._access.check(self._brokers)
        host = self._stream.feed().host.id
        self._topics = Topics(self._prefix, self._site, host)
        # Nobody else knows the random part, so another client cannot take its place, and neither does a host with the
        # same id.
        self._client_id = f"{host}-{os.urandom(8).hex()}"
        self._waiter.open()
        self._thread = threads.start("ts-mqtt", self._run, on_crash=self._on_crash)

    def stop(self) -> None:
        """Begin to stop, without waiting."""
        self._waiter.stop()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop, and wait up to ``seconds`` for the thread. Safe to repeat, and before ``start``."""
        self.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, seconds))
            if not self._thread.is_alive():
                self._waiter.close()

    def _run(self) -> None:
        """Connect again and again. Runs on ts-mqtt."""
        backoff, number = Backoff(), 0
        while not self._waiter.is_stopped:
            broker = self._brokers[number % len(self._brokers)]
            try:
                connected_seconds = self._connect(broker)
            except StoppedError:
                return
            except (DialError, AccessError) as error:
                self._failures.log("No connection to the MQTT broker %s: %s", broker, error)
                connected_seconds = 0.0
            number += 1
            self._pause(backoff.delay_seconds(connected_seconds))

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._waiter.is_stopped and (left := until - time.monotonic()) > 0:
            self._waiter.wait(left)

    def _connect(self, broker: Broker) -> float:
        """Connect and serve. Return for how many seconds the broker accepted us. Raises what the Dialer raises."""
        context = self._access.context() if broker.is_tls else None
        password = self._access.maybe_password()
        will = (self._topics.of("state"), messages.state("lost", self._stream.feed().id))
        opened = self._dialer.connect(broker, context)
        session = Session(
            opened, Login(self._client_id, self._access.user, password, will), self._waiter
        )
        try:
            while not session.is_accepted and session.end is None:
                session.exchange(1.0)
                if self._waiter.is_stopped:
                    raise StoppedError
            if not session.is_accepted:
                raise DialError(session.end or "")
            log.info("Connected to the MQTT broker %s", broker)
            began = time.monotonic()
            self._serve(session)
        finally:
            session.abort("closed")
        if not self._waiter.is_stopped:
            self._failures.log("Disconnected from the MQTT broker %s: %s", broker, session.end)
        return time.monotonic() - began

    def _discovery(self) -> list[tuple[str, bytes]]:
        if not self._home_assistant:
            return []
        return [discovery(self._topics, self._stream.feed().host, __version__)]

    def _serve(self, session: Session) -> None:
        agent = Agent(
            session,
            self._stream,
            self._topics,
            wake=self._waiter.wake,
            confirmation=self._confirmation,
            extra=self._discovery(),
        )
        try:
            agent.begin(time.monotonic())
            seconds = agent.serve((), time.monotonic())
            while session.end is None and not self._waiter.is_stopped and not agent.has_ended:
                received = session.exchange(seconds)
                seconds = agent.serve(received, time.monotonic())
            if self._waiter.is_stopped:
                agent.publish_gone()
            session.finish(FINISH_SECONDS)
        finally:
            agent.close()
