"""The accept loop: one named thread per connection, within limits, calm when the system has nothing left to give.

Relies on ``threads`` for starting threads and on a handler that serves one transport until it ends. Each connection's
transport is made here and closed here, whatever the handler does. It knows no HTTP beyond ready-made refusals.

Strategy: the accept thread never waits for a peer. A TLS handshake runs in the connection's own thread; who is over a
limit, or cannot have a thread or a descriptor, is turned away by the ``Refuser``, which does not wait either.
"""

from __future__ import annotations

import errno
import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import threads
from .address import PerAddress
from .answer import Headers
from .bind import bind
from .rate_limited_log import RateLimitedLog
from .refuser import Refuser, refusal
from .transport import Transport, host_and_port

if TYPE_CHECKING:
    import ssl  # a plain listener does not pay for it

log = logging.getLogger(__name__)

BACKLOG = 1024  # at 5, the standard library's, 54 of 60 simultaneous connects waited over a second
# "Full" shall mean a second behind and not a minute: by default a peer that reads nothing swallows 2 to 4 MB first.
# Set before accept, for accepted sockets inherit it. The kernel doubles it (socket(7)).
SEND_BUFFER_BYTES = 64 * 1024
HANDSHAKE_SECONDS = 10.0
CALM_SECONDS = 0.5  # between tries while memory is out, or the reserve is lost
JOIN_SECONDS = 1.0

NO_DESCRIPTOR = {errno.EMFILE, errno.ENFILE}
NO_MEMORY = {errno.ENOBUFS, errno.ENOMEM}
LACK = "cannot take new connections for now: %s"

# accept(2) hands on what had gone wrong with the new connection before it was accepted: the next one may be well.
STILLBORN = {
    errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN,
    errno.ENONET, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListenerStats:
    """Connections: open now, and counted since the start."""

    open: int
    accepted: int
    refused: int
    crashed: int


class Listener:
    """Accepts on one address and runs ``handle(transport)`` for each connection on a thread of its own.

    ``start``, ``stop_accepting`` and ``close`` are the owner's to call. ``_lock`` guards ``_open`` and the counts;
    ``_refuser`` is the accept thread's.
    """

    def __init__(
        self,
        address: tuple[str, int] | socket.socket,
        handle: Callable[[Transport], object],
        *,
        max_connections: int = 8192,
        per_address: PerAddress | None = None,
        ssl_context: ssl.SSLContext | None = None,
        headers: Headers = (),
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Bind ``address`` (OSError when it cannot be had), or take a bound socket over.

        ``ssl_context`` may be replaced at any time: it is for the connections to come. ``headers`` are sent with each
        refusal. ``on_crash`` is told when the
        accept loop itself dies of an unexpected error.
        """
        self._sock = address if isinstance(address, socket.socket) else bind(address)
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._sock.listen(BACKLOG)
        self._address: tuple[str, int] = self._sock.getsockname()[:2]
        self._handle = handle
        self._max_connections = max_connections
        self._per_address = per_address
        self.ssl_context = ssl_context
        if ssl_context is not None:
            from . import tls  # noqa: F401, PLC0415 (now, when there is a descriptor to read it with)
        self._on_crash = on_crash
        self._stop = threading.Event()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._leaving = threading.Lock()
        self._open: dict[Transport, threading.Thread | None] = {}
        self._admitting_since: float | None = None  # written by ts-accept alone
        self._accepted = 0
        self._crashed = 0
        self._refuser = Refuser()
        self._too_many = refusal("503 Service Unavailable", "too many connections", headers)
        self._too_many_of_address = refusal(
            "429 Too Many Requests", "too many connections from your address", headers
        )
        self._full = RateLimitedLog(log, logging.WARNING)
        self._address_full = RateLimitedLog(log, logging.WARNING)  # not to silence the other
        self._lacks = RateLimitedLog(log, logging.ERROR)

    def __repr__(self) -> str:
        return f"<Listener {self._address[0]}:{self._address[1]} {self.stats()}>"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port as bound."""
        return self._address

    def stats(self) -> ListenerStats:
        with self._lock:
            return ListenerStats(
                len(self._open), self._accepted, self._refuser.refused, self._crashed
            )

    def stuck_seconds(self) -> float:
        """How long ``ts-accept`` has been at one connection, which takes it less than a millisecond.

        Where memory is out a new thread may die before it can say that it has begun, and CPython waits for that word.
        """
        since = self._admitting_since
        return 0.0 if since is None else time.monotonic() - since

    def start(self) -> None:
        self._thread = threads.start("ts-accept", self._accept_loop, on_crash=self._on_crash)

    def stop_accepting(self) -> None:
        """Refuse new connections from now on; those that are open live on. Safe to repeat."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._wake_writer.close()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)  # it never waits for a peer; but see stuck_seconds
        self._refuser.close()
        self._wake_reader.close()
        self._sock.close()

    def close(self, deadline: float) -> bool:
        """Stop accepting, end every connection, and wait for their threads until ``deadline``.

        True when all have ended. One that has not is named in the log; it is a daemon and cannot keep the process.
        """
        self.stop_accepting()
        with self._lock:
            left = list(self._open.items())
        for transport, _ in left:
            transport.shutdown()
        begun = [(thread, transport.peer) for transport, thread in left if thread is not None]
        for thread, _ in begun:
            thread.join(max(0.0, deadline - time.monotonic()))
        stuck = [f"{thread.name} ({peer})" for thread, peer in begun if thread.is_alive()]
        if stuck:
            named = ", ".join(stuck[:5])
            log.warning("%d connections did not end in time, such as %s", len(stuck), named)
        return not stuck

    # The accept thread.

    def _accept_loop(self) -> None:
        poller = select.poll()
        poller.register(self._sock, select.POLLIN)
        poller.register(self._wake_reader, select.POLLIN)
        while not self._stop.is_set():
            try:
                sock, peer = self._sock.accept()
            except BlockingIOError:
                self._wait_for_somebody(poller)
            except OSError as error:
                if error.errno in NO_DESCRIPTOR:
                    self._do_without_descriptor(error, poller)
                elif error.errno in NO_MEMORY:
                    self._calm_down(error)
                elif error.errno not in STILLBORN:
                    raise
            else:
                self._admitting_since = time.monotonic()
                self._admit(sock, host_and_port(peer)[0])
                self._admitting_since = None

    def _wait_for_somebody(self, poller: select.poll) -> None:
        poller.poll(self._refuser.patience_milliseconds())
        self._refuser.tidy()

    def _do_without_descriptor(self, error: OSError, poller: select.poll) -> None:
        """Take one from those that linger; if none does, answer one connection with the one in reserve."""
        if not poller.poll(0):  # accept(2) asks for a descriptor before it looks for a connection
            self._wait_for_somebody(poller)
        elif not self._refuser.let_go():
            if self._refuser.refuse_next(self._sock, self._in_plain(self._too_many)):
                self._lacks.log(LACK, error)
            else:
                self._calm_down(error)

    def _admit(self, sock: socket.socket, address: str) -> None:
        """Give the connection its thread, or refuse it."""
        if self.stats().open >= self._max_connections:
            self._full.log(
                "connection refused: %d are open, as many as may be", self._max_connections
            )
            self._refuser.refuse(sock, self._in_plain(self._too_many))
            return
        if self._per_address is not None and not self._per_address.take(address):
            self._address_full.log(
                "connection refused: %s has %d, as many as one address may",
                address,
                self._per_address.limit,
            )
            self._refuser.refuse(sock, self._in_plain(self._too_many_of_address))
            return
        try:
            transport = self._transport(sock)
        except OSError as error:  # reset before we could look at it
            log.debug("connection lost before it began: %s", error)
            self._forget(address)
            sock.close()
            return
        with self._lock:
            number, self._accepted = self._accepted, self._accepted + 1
            self._open[transport] = None  # the thread finds itself there, however soon it ends
        try:  # not under the lock: see stuck_seconds
            thread = threads.start(f"ts-conn{number % 10_000_000}", self._run, transport, address)
            with self._lock:
                if transport in self._open:
                    self._open[transport] = thread
        except RuntimeError as error:  # the system has no thread to give
            with self._lock:
                del self._open[transport]
                self._accepted -= 1
            self._forget(address)
            self._refuser.refuse(sock, self._in_plain(self._too_many))
            self._lacks.log(LACK, error)

    def _transport(self, sock: socket.socket) -> Transport:
        if (context := self.ssl_context) is None:
            return Transport(sock)
        from .tls import TlsTransport  # noqa: PLC0415 (brings ssl: 2 MiB and 10 ms that a plain listener saves)

        return TlsTransport(sock, context)

    def _forget(self, address: str) -> None:
        if self._per_address is not None:
            self._per_address.give_back(address)

    def _in_plain(self, answer: bytes) -> bytes:
        """The answer, or nothing where a handshake would have to be waited for first."""
        return answer if self.ssl_context is None else b""

    def _calm_down(self, error: OSError) -> None:
        """Sleep instead of spinning: the connection that cannot be had stays readable in the backlog."""
        self._refuser.let_go()  # those that linger may hold what is lacking
        self._lacks.log(LACK, error)
        self._stop.wait(CALM_SECONDS)
        self._refuser.tidy()

    # The connection's thread.

    def _run(self, transport: Transport, address: str) -> None:
        try:
            if self._shook_hands(transport):
                self._handle(transport)
        except Exception:
            log.exception("connection %s died", transport.peer)
            with self._lock:
                self._crashed += 1
        finally:
            self._leave(transport, address)

    def _leave(self, transport: Transport, address: str) -> None:
        # Each system call queues for the interpreter again. A thousand threads that leave at once do, and the collector
        # behind them missed up to 11 ticks of 100 ms; waiting for a lock is outside that queue: it misses one at most.
        try:
            transport.linger()
            with self._leaving:
                transport.close()
        finally:
            self._forget(address)
            with self._lock:
                del self._open[transport]

    def _shook_hands(self, transport: Transport) -> bool:
        try:
            transport.handshake(time.monotonic() + HANDSHAKE_SECONDS)
        except OSError as error:
            log.debug("no TLS with %s: %s", transport.peer, error)
            return False
        return True
