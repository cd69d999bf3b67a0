"""The accept loop: accepts connections within limits. It survives when the system is out of resources.

Relies on ``Connections``, which serves each connection on a thread of its own. A refusal is a ready-made HTTP answer.

Strategy: the accept thread never waits for a peer. A TLS handshake runs on the connection's own thread. A connection is
refused by the ``Refuser``, which does not wait either, if a limit is reached or no thread or descriptor is available.
"""

from __future__ import annotations

import errno
import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from .. import threads
from .address import PerAddress
from .answer import Headers, refusal
from .bind import bind
from .connections import Connections
from .poller import Poller
from .rate_limited_log import RateLimitedLog
from .refuser import Refuser
from .transport import Transport, host_and_port

if TYPE_CHECKING:
    import ssl  # a listener without TLS does not load it

log = logging.getLogger(__name__)

# With 5, the standard library's value, 54 of 60 simultaneous connects took more than a second.
BACKLOG = 1024
# The buffer is to be full when a viewer is a second behind, not a minute. With the kernel's default, 2 to 4 MB fit in
# before a peer that reads nothing is noticed. Set on the listening socket, because accepted sockets inherit it. The
# kernel doubles the value (socket(7)).
SEND_BUFFER_BYTES = 64 * 1024
HANDSHAKE_SECONDS = 10.0
BACK_OFF_SECONDS = 0.5  # between tries while there is no memory, or the reserved descriptor is lost
JOIN_SECONDS = 1.0

NO_DESCRIPTOR = {errno.EMFILE, errno.ENFILE}
NO_MEMORY = {errno.ENOBUFS, errno.ENOMEM}
OUT_OF_RESOURCES = "Cannot accept new connections: %s"

# accept(2) also reports errors of the new connection itself, which happened before it was accepted. They mean nothing
# for the next connection.
FAILED_BEFORE_ACCEPT = {
    errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN,
    errno.ENONET, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListenerStats:
    """Connections: how many are open, and counts since the start."""

    open: int
    accepted: int
    refused: int
    crashed: int


class Listener:
    """Accepts connections on one address and runs ``handle(transport)`` for each, on a thread of its own.

    The owner calls ``start``, ``stop_accepting`` and ``close``; any thread may call the other methods. Only the accept
    thread uses ``_refuser``.
    """

    def __init__(
        self,
        address: tuple[str, int] | socket.socket,
        handle: Callable[[Transport], object],
        *,
        max_connections: int,
        per_address: PerAddress,
        ssl_context: ssl.SSLContext | None,
        headers: Headers,
        on_crash: Callable[[BaseException], None],
    ) -> None:
        """Bind ``address``, or take over a socket that is bound already. Raises OSError, with the socket closed.

        ``ssl_context`` may be replaced at any time; new connections use the new one. ``headers`` are sent with every
        refusal. ``on_crash`` is called, on the accept thread, when an unexpected error has ended the accept loop.
        """
        self._sock = address if isinstance(address, socket.socket) else bind(address)
        with ExitStack() as opened:  # closes them if one cannot be opened
            opened.callback(self._sock.close)
            self._sock.setblocking(False)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            self._sock.listen(BACKLOG)
            self._wake_reader, self._wake_writer = map(opened.enter_context, socket.socketpair())
            self._poller = Poller(on_crash)
            opened.callback(self._poller.close)
            self._refuser = Refuser()
            opened.pop_all()
        self._address: tuple[str, int] = self._sock.getsockname()[:2]
        self._handle = handle
        self._max_connections = max_connections
        self._per_address = per_address
        self.ssl_context = ssl_context
        if ssl_context is not None:
            from . import tls  # noqa: F401, PLC0415 (now, while there is a descriptor to read the module with)
        self._on_crash = on_crash
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._connections = Connections(self._serve)
        self._starting_since: float | None = None  # written by ts-accept only
        unavailable, too_many = "503 Service Unavailable", "429 Too Many Requests"
        limit, address_limit = max_connections, per_address.limit
        self._limit_response = refusal(unavailable, f"Connection limit reached ({limit})", headers)
        self._address_limit_response = refusal(
            too_many, f"Limit of {address_limit} connections per address reached", headers
        )
        self._no_resources_response = refusal(unavailable, "Server is out of resources", headers)
        self._limit_log = RateLimitedLog(log, logging.WARNING)
        self._address_limit_log = RateLimitedLog(log, logging.WARNING)
        self._no_resources_log = RateLimitedLog(log, logging.ERROR)

    def __repr__(self) -> str:
        return f"<Listener {self._address[0]}:{self._address[1]} {self.stats()}>"

    @property
    def address(self) -> tuple[str, int]:
        """The bound host and port."""
        return self._address

    def stats(self) -> ListenerStats:
        counts = self._connections.counts()
        return ListenerStats(counts.open, counts.started, self._refuser.refused, counts.crashed)

    def stuck_seconds(self) -> float:
        """Return for how long ``ts-accept`` has been starting one connection, which normally takes less than 1 ms.

        When there is no memory, a new thread can die before it reports that it runs. CPython waits for that report
        indefinitely.
        """
        since = self._starting_since
        return 0.0 if since is None else time.monotonic() - since

    def start(self) -> None:
        self._poller.start()
        self._thread = threads.start("ts-accept", self._accept_loop, on_crash=self._on_crash)

    def stop_accepting(self) -> None:
        """Accept no new connections from now on; open connections continue. Safe to call twice."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._wake_writer.close()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)  # it never waits for a peer, but see stuck_seconds
        self._refuser.close()
        self._wake_reader.close()
        self._sock.close()

    def close(self, deadline: float) -> bool:
        """Stop accepting, and end every connection as ``Connections.close`` does. Return whether all have ended."""
        self.stop_accepting()
        have_ended = self._connections.close(deadline)
        self._poller.close()
        return have_ended

    # The accept thread.

    def _accept_loop(self) -> None:
        poller = select.poll()
        poller.register(self._sock, select.POLLIN)
        poller.register(self._wake_reader, select.POLLIN)
        while not self._stop.is_set():
            try:
                sock, peer = self._sock.accept()
            except BlockingIOError:
                self._wait_for_connection(poller)
            except OSError as error:
                if error.errno in NO_DESCRIPTOR:
                    self._refuse_without_descriptor(error, poller)
                elif error.errno in NO_MEMORY:
                    self._back_off(error)
                elif error.errno not in FAILED_BEFORE_ACCEPT:
                    raise
            else:
                self._starting_since = time.monotonic()
                self._start_connection(sock, host_and_port(peer)[0])
                self._starting_since = None

    def _wait_for_connection(self, poller: select.poll) -> None:
        poller.poll(self._refuser.timeout_milliseconds())
        self._refuser.close_expired()

    def _refuse_without_descriptor(self, error: OSError, poller: select.poll) -> None:
        """Free the descriptors of refused connections that linger; if there are none, refuse one with the reserve."""
        if not poller.poll(0):  # accept(2) needs a descriptor before it looks for a connection
            self._wait_for_connection(poller)
        elif not self._refuser.close_lingering():
            response = self._without_tls(self._no_resources_response)
            if self._refuser.refuse_with_reserve(self._sock, response):
                self._no_resources_log.log(OUT_OF_RESOURCES, error)
            else:
                self._back_off(error)

    def _start_connection(self, sock: socket.socket, address: str) -> None:
        """Start the connection's thread, or refuse the connection."""
        if self._connections.counts().open >= self._max_connections:
            self._limit_log.log(
                "Connection refused: limit of %d connections reached", self._max_connections
            )
            self._refuser.refuse(sock, self._without_tls(self._limit_response))
            return
        if not self._per_address.reserve(address):
            self._address_limit_log.log(
                "Connection refused: limit of %d connections per address reached (%s)",
                self._per_address.limit,
                address,
            )
            self._refuser.refuse(sock, self._without_tls(self._address_limit_response))
            return
        try:
            transport = self._make_transport(sock)
        except OSError as error:  # the peer has reset the connection
            log.debug("New connection was already closed: %s", error)
            self._per_address.release(address)
            sock.close()
            return
        try:
            self._connections.start(transport, partial(self._per_address.release, address))
        except threads.ThreadUnavailableError as error:
            self._per_address.release(address)
            self._refuser.refuse(sock, self._without_tls(self._no_resources_response))
            self._no_resources_log.log(OUT_OF_RESOURCES, error)

    def _make_transport(self, sock: socket.socket) -> Transport:
        if (context := self.ssl_context) is None:
            return Transport(sock, self._poller)
        from .tls import TlsTransport  # noqa: PLC0415 (loads ssl: 2 MiB and 10 ms that a listener without TLS saves)

        return TlsTransport(sock, context, self._poller)

    def _without_tls(self, response: bytes) -> bytes:
        """Return ``response``, or nothing with TLS, since a response would have to wait for a handshake."""
        return response if self.ssl_context is None else b""

    def _back_off(self, error: OSError) -> None:
        """Wait before the next try: the connection stays in the backlog, so poll would return at once."""
        self._refuser.close_lingering()  # they may hold what is missing
        self._no_resources_log.log(OUT_OF_RESOURCES, error)
        self._stop.wait(BACK_OFF_SECONDS)
        self._refuser.close_expired()

    # The connection's thread.

    def _serve(self, transport: Transport) -> None:
        try:
            transport.handshake(time.monotonic() + HANDSHAKE_SECONDS)
        except OSError as error:
            log.debug("TLS handshake with %s failed: %s", transport.peer, error)
        else:
            self._handle(transport)
