"""A line: one WebSocket connection to a host on its own thread, opened again and again until it is closed.

It reports why there is no connection, and what that shows about our own link.
"""

from __future__ import annotations

import abc
import errno
import logging
import math
import random
import socket
import threading
import time
from urllib.parse import urlencode

from .. import threads
from ..net.backoff import Backoff
from ..net.dial import NO_ROUTE, Dialer, TlsError
from ..net.transport import Transport
from ..stream.received import ReceivedError, cost, decode
from ..websocket.outbound import Outbound, OutboundError, RejectedError
from .budget import CostBudget
from .link import DirectLink
from .remote import Identity, IncompatibleError, Link, identity_of
from .watchlist import Target

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 10.0  # without data, or four intervals if that is longer
# After a failure that time alone does not end: another protocol, a wrong token, a host that is watched twice.
SLOW_SECONDS = 60.0
MAX_MESSAGES_PER_SECOND = 32  # the shortest interval is 0.1 s

# Not for secrets: it only keeps many programs from acting at the same moment.
spread = random.uniform


class _RefusedError(Exception):
    """This program must not read from the host now."""


class BadRequestError(IncompatibleError):
    """The host does not accept the query, for example because it does not know a section."""


class Line(abc.ABC):
    """One connection to a host, opened again and again until ``close``. A subclass decides what it is for.

    ``_lock`` guards ``_transport`` and ``_is_closed``.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        link: DirectLink,
        *,
        max_message_bytes: int,
        budget: CostBudget | None = None,
    ) -> None:
        """``budget``: for what all messages cost, ``hello`` included. While something is owed, nothing is read."""
        self._name = name
        self._target = target
        self._link = link
        self._max_message_bytes = max_message_bytes
        self._budget = budget
        self._dialer = Dialer(target.endpoint, link.authorities)
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._is_closed = False
        self._wake = threading.Event()
        self._opened_at = math.inf  # when the host answered, on the present connection
        self.expected_seconds = 0.0  # until the next answer, as far as it is known
        self._has_no_route = False  # at the last attempt
        self._had_no_route_at = -math.inf  # monotonic seconds
        self._thread: threading.Thread | None = None

    # For subclasses. All run on the thread of the line.

    @abc.abstractmethod
    def query(self) -> dict[str, str]:
        """Return the query of ``/ws`` for the next connection."""

    @abc.abstractmethod
    def on_open(self, identity: Identity) -> bool:
        """Note the host that has answered; return whether its messages may be read."""

    @abc.abstractmethod
    def on_message(self, text: str, identity: Identity) -> None:
        """Note a message after ``hello``."""

    @abc.abstractmethod
    def on_end(self, close_code: int | None, identity: Identity) -> None:
        """Note that the host has closed the connection."""

    @abc.abstractmethod
    def on_failure(self, error: Exception, *, is_incompatible: bool) -> None:
        """Note why there is no connection."""

    def is_permanent(self, error: Exception) -> bool:
        """Whether it does not help to connect again soon."""
        return isinstance(error, IncompatibleError)

    # For its owner. Any thread.

    def start(self) -> None:
        """Start the thread. Raises ThreadUnavailableError."""
        self._thread = threads.start(self._name, self._run)

    def restart(self) -> None:
        """Open the connection again at once, with a new query."""
        self._wake.set()
        with self._lock:
            transport = self._transport
        if transport is not None:
            transport.shutdown()

    def use(self, target: Target) -> None:
        """Connect again at once, with the token of this target, whose URL is the same."""
        self._target = target
        self.restart()

    def close(self) -> None:
        """End the connection and the thread, without waiting. A name resolution cannot be ended; it may take longer."""
        with self._lock:
            self._is_closed = True
        self._dialer.abort()
        self.restart()

    def link(self, since: float) -> Link:
        """Return whether our own link has worked after ``since`` (monotonic seconds)."""
        failed_at = self._had_no_route_at
        # After it, the host needs some time to return.
        if failed_at > since and (self._has_no_route or not self._link.is_long_since(failed_at)):
            return "down"
        return self._link.has_worked(since)

    def join(self, deadline: float) -> None:
        """Wait for the thread until ``deadline`` (monotonic seconds)."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        """Connect and read until ``close``. Runs on the thread of the line."""
        backoff = Backoff()
        while True:
            self._wake.clear()
            with self._lock:
                if self._is_closed:
                    return
            # Also here: what a host sends may make us connect again at once.
            if self._wake.wait(self._owed_seconds()):
                continue
            self._opened_at, slow = math.inf, False
            try:
                self._connect_and_read()
            except _RefusedError:
                slow = True
                self.expected_seconds = SLOW_SECONDS
            except Exception as error:  # noqa: BLE001  # one host must not end the program
                if not self._wake.is_set():  # else we have ended the connection ourselves
                    slow = self.is_permanent(error)
                    if slow:
                        self.expected_seconds = SLOW_SECONDS
                    self._note_failure(error)
            seconds = backoff.delay_seconds(time.monotonic() - self._opened_at)
            self._wake.wait(SLOW_SECONDS * spread(0.5, 1.5) if slow else seconds)

    def _note_failure(self, error: Exception) -> None:
        """Report why there is no connection, and what that shows about our own link."""
        is_incompatible = isinstance(
            error, IncompatibleError | TlsError | OutboundError | ReceivedError
        )
        self._has_no_route = (
            error.errno == socket.EAI_AGAIN
            if isinstance(error, socket.gaierror)
            else isinstance(error, OSError) and error.errno in NO_ROUTE
        )
        if self._has_no_route:
            self._had_no_route_at = time.monotonic()
        elif is_incompatible or isinstance(error, ConnectionError):
            self._note_answer()
        elif not isinstance(error, OSError):
            log.error("The line to %s failed", self._target.shown, exc_info=error)
        self.on_failure(error, is_incompatible=is_incompatible)

    def _note_answer(self) -> None:
        self._has_no_route = False
        self._link.note_answer(self.expected_seconds)

    def _connect_and_read(self) -> None:
        transport = self._dialer.connect(time.monotonic() + CONNECT_SECONDS)
        with self._lock:
            self._transport = transport
            is_closed = self._is_closed
        try:
            if not is_closed:
                self._note_answer()
                self._read(transport)
        finally:
            with self._lock:
                self._transport = None
            transport.shutdown()  # at once: the host has nothing to read that it does not have
            transport.close()

    def _read(self, transport: Transport) -> None:
        target = self._target
        outbound = Outbound(transport, max_message_bytes=self._max_message_bytes)
        headers = []
        if target.token is not None:
            headers.append((b"Authorization", b"Bearer " + target.token.encode()))
        try:
            outbound.open(target.host_header, f"{target.path}?{urlencode(self.query())}", headers)
        except RejectedError as error:
            self._note_answer()
            raise failure_of(error.status) from None
        first = self._maybe_message(outbound, SILENCE_SECONDS)
        if first is None:
            raise OutboundError("closes the connection before its first message")
        identity = identity_of(decode(first))
        self.expected_seconds = identity.interval_seconds
        self._note_answer()
        self._opened_at = time.monotonic()
        if not self.on_open(identity):
            raise _RefusedError
        self._read_messages(outbound, identity)

    def _read_messages(self, outbound: Outbound, identity: Identity) -> None:
        silence_seconds = max(SILENCE_SECONDS, 4 * identity.interval_seconds)
        second_ends, count = 0.0, 0
        while (message := self._maybe_message(outbound, silence_seconds)) is not None:
            self._note_answer()
            self.on_message(message, identity)
            message = None  # while the line waits, it keeps nothing
            pause_seconds = self._owed_seconds()
            now = time.monotonic()
            if now >= second_ends:
                second_ends, count = now + 1.0, 0
            count += 1
            if count > MAX_MESSAGES_PER_SECOND:
                pause_seconds = max(pause_seconds, second_ends - now)
            if pause_seconds > 0:  # the peer waits as well, because its socket fills
                self._wake.wait(pause_seconds)
            if self._wake.is_set():
                return
        if not self._wake.is_set():  # else we have ended the connection ourselves
            self.on_end(outbound.close_code, identity)

    def _maybe_message(self, outbound: Outbound, timeout_seconds: float) -> str | None:
        """Return the next message, and spend what it costs; None if the connection has ended."""
        message = outbound.maybe_message(timeout_seconds)
        if message is not None and self._budget is not None:
            self._budget.spend(cost(message))
        return message

    def _owed_seconds(self) -> float:
        """Return for how long nothing may be read, because of what the messages until now have cost."""
        return 0.0 if self._budget is None else self._budget.owed_seconds


def failure_of(status: int) -> Exception:
    """Return what the status of a refused handshake means."""
    if status in (401, 403):
        return IncompatibleError(
            f"The host refuses the token ({status}); a line of --watch-file has 'URL TOKEN'"
        )
    if status == 429 or status >= 500:  # also a proxy whose server is restarted
        return ConnectionRefusedError(errno.ECONNREFUSED, f"the host is busy ({status})")
    kind = BadRequestError if status == 400 else IncompatibleError
    return kind(
        f"The host answers with status {status}: it may be an older version, or another program"
    )


def reason_of(error: Exception) -> str:
    """Return one sentence for the user."""
    if isinstance(error, IncompatibleError):
        return str(error)
    if isinstance(error, OutboundError):
        return f"The host {error}"
    if isinstance(error, ReceivedError):
        return f"The first message {error}"
    if isinstance(error, TimeoutError):
        return "No answer"
    if isinstance(error, socket.gaierror):
        return "The name cannot be resolved"
    if isinstance(error, OSError):
        text = error.strerror or str(error)
        return text[:1].upper() + text[1:]
    return "An error in this program; its log has the reason"
