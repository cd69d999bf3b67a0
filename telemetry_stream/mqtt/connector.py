"""The thread of one client of a broker: connects to one broker of the list after another, until it is stopped."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from .. import threads
from ..net.backoff import Backoff
from ..net.rate_limited_log import RateLimitedLog
from .brokers import Access, AccessError, Broker
from .dial import Dialer, DialError
from .session import DEFAULT_LIMITS, Limits, Login, Session
from .waiter import StoppedError, Waiter

log = logging.getLogger(__name__)

FINISH_SECONDS = 0.3  # to send the last messages; with all else, a stop takes at most 0.5 s
CLOSE_SECONDS = 0.5
# Of the first delays after a broker has failed: of a thousand clients, at most a tenth return in the same 100 ms.
SPREAD_SECONDS = 2.5


class Connector:
    """Connects from ``start`` to ``close``. Any thread may call any method.

    ``name`` is that of the thread, and ``waiter`` is what it waits with. ``on_crash`` is called if the thread dies of
    an unexpected error.
    """

    def __init__(
        self,
        name: str,
        brokers: Sequence[Broker],
        access: Access,
        *,
        limits: Limits = DEFAULT_LIMITS,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.waiter = Waiter()
        self._name = name
        self._brokers = tuple(brokers)
        self._access = access
        self._limits = limits
        self._on_crash = on_crash
        self._dialer = Dialer(self.waiter)
        self._failures = RateLimitedLog(log, logging.WARNING, burst=3)
        self._client_id = ""
        self._serve: Callable[[Session], None]
        self._will: Callable[[], tuple[str, bytes] | None]
        self._thread: threading.Thread | None = None

    def start(
        self,
        client: str,
        serve: Callable[[Session], None],
        will: Callable[[], tuple[str, bytes] | None] = lambda: None,
    ) -> None:
        """Start the thread. Raises AccessError with one sentence, and ThreadUnavailableError.

        ``serve(session)`` uses each connection until it ends or ``waiter`` is stopped, and publishes its last messages.
        ``will`` returns the will of the next connection. ``client`` is the beginning of the client id.
        """
        self._access.check(self._brokers)
        self._serve, self._will = serve, will
        # Nobody else has the random part, so another client cannot take its place, and neither does a host with the
        # same id.
        self._client_id = f"{client}-{os.urandom(8).hex()}"
        self.waiter.open()
        self._thread = threads.start(self._name, self._run, on_crash=self._on_crash)

    def stop(self) -> None:
        """Begin to stop, without waiting."""
        self.waiter.stop()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop, and wait up to ``seconds`` for the thread. Safe to repeat, and before ``start``."""
        self.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, seconds))
            if not self._thread.is_alive():
                self.waiter.close()

    def _run(self) -> None:
        """Connect again and again. Runs on the thread."""
        backoff, number = Backoff(spread_seconds=SPREAD_SECONDS), 0
        while not self.waiter.is_stopped:
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
        while not self.waiter.is_stopped and (left := until - time.monotonic()) > 0:
            self.waiter.wait(left)

    def _connect(self, broker: Broker) -> float:
        """Connect and serve. Return for how many seconds the broker accepted us. Raises what the Dialer raises."""
        context = self._access.context() if broker.is_tls else None
        login = Login(
            self._client_id, self._access.user, self._access.maybe_password(), self._will()
        )
        opened = self._dialer.connect(broker, context)
        session = Session(opened, login, self.waiter, self._limits)
        try:
            while not session.is_accepted and session.end is None:
                session.exchange(1.0)
                if self.waiter.is_stopped:
                    raise StoppedError
            if not session.is_accepted:
                raise DialError(session.end or "")
            log.info("Connected to the MQTT broker %s", broker)
            began = time.monotonic()
            self._serve(session)
            session.finish(FINISH_SECONDS)
        finally:
            session.abort("closed")
        if not self.waiter.is_stopped:
            self._failures.log("Disconnected from the MQTT broker %s: %s", broker, session.end)
        return time.monotonic() - began
