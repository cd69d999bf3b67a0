"""A transport over TLS.

Relies on OpenSSL with memory buffers (ssl.MemoryBIO) instead of ssl.SSLSocket. So OpenSSL never waits for a socket and
takes every write completely, and its output is kept and sent by the same code as plain bytes. With an SSLSocket, a
write that did not fit must be repeated with the same bytes, because the record is already encrypted; then try_send
could not report "nothing taken". Certificates and versions are chosen by ``tls_context``.

Two threads must not use one TLS object at the same time: a reader and a writer crashed CPython 3.11 inside OpenSSL, and
CPython 3.13.6 deadlocks. So ``_lock`` guards it for reading too. It is held during computation and non-blocking calls,
never while waiting.
"""

from __future__ import annotations

import errno
import select
import socket
import ssl
import time

from .poller import Poller
from .transport import Transport

RECV_BYTES = 32 * 1024  # two records of the largest size

# Limit of input without data, as a burst and per second: the overhead of records, 22 bytes each, and key updates
# (RFC 8446 section 4.6.3). A key update costs 10 µs and 27 bytes of reply, so a flood of them would take a core.
OVERHEAD_BYTES = 64 * 1024
OVERHEAD_BYTES_PER_SECOND = 16 * 1024


class TlsTransport(Transport):
    """As Transport, but ``handshake`` must come first. ``bytes_sent`` counts the encrypted bytes."""

    secure = True

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        poller: Poller | None = None,
        *,
        server_name: str | None = None,
    ) -> None:
        """``server_name`` makes this the client's side: the certificate must be valid for that name."""
        super().__init__(sock, poller)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        # For try_send. Made once, because making one takes as long as calling it.
        self._room = select.poll()
        self._room.register(sock, select.POLLOUT)
        self._tls = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_name is None,
            server_hostname=server_name,
        )
        self._overhead_bytes = 0.0
        self._fed_at = time.monotonic()

    def handshake(self, deadline: float) -> None:
        done = False
        while not done:
            with self._lock:
                try:
                    self._tls.do_handshake()
                    done = True
                except ssl.SSLWantReadError:
                    pass
                finally:
                    self._flush_outgoing_locked()  # after a failure this is an alert with the reason
            self.send(b"", deadline)
            if not done:
                self._require_before(deadline)
                if not self._feed(deadline):
                    raise ConnectionResetError(
                        errno.ECONNRESET, "end of stream in the TLS handshake"
                    )

    def try_send(self, data: bytes) -> int:
        if len(data) < 2 or not self._lock.acquire(False):
            return 0
        try:
            # An encrypted record cannot be taken back, so first check that at least one byte of it will fit.
            if self._blocked or not self._room.poll(0):
                return 0
            self._tls.write(data)
            record = self._outgoing.read()
            try:
                sent = self._sock.send(record)
            except BlockingIOError:
                sent = 0  # the kernel has less room than poll reported; the record exists, so it is kept
            self.bytes_sent += sent
            if sent == len(record):
                return len(data)
            self._keep_locked(memoryview(record)[sent:])
            # The unsent bytes are encrypted, so a partial count is not exact; 0 and len(data) are.
            return max(1, min(sent, len(data) - 1))
        finally:
            self._lock.release()

    def _put_locked(self, data: bytes | memoryview) -> int:
        if data:
            self._tls.write(data)
        self._flush_outgoing_locked()
        return self.bytes_sent + self._unsent_bytes

    def _flush_outgoing_locked(self) -> None:
        self._keep_locked(memoryview(self._outgoing.read()))
        self._flush_locked()

    def _read(self, n: int, deadline: float) -> bytes:
        """Return decrypted bytes before waiting for the socket: epoll does not report them."""
        is_fed = False
        while True:
            with self._lock:
                try:
                    data = self._tls.read(n)
                    self._overhead_bytes -= len(data)
                    return data
                except ssl.SSLWantReadError:
                    pass
                finally:
                    # An alert: a bad record, or a renegotiation that is refused. OpenSSL sends the reply to a key
                    # update together with the next write, as RFC 8446 section 4.6.3 allows.
                    if self._outgoing.pending:
                        self._flush_outgoing_locked()
            if is_fed:
                self._require_before(deadline)
            is_fed = True
            if not self._feed(deadline):
                with self._lock:
                    # Without close_notify an attacker may have cut the stream off: the next read raises SSLError.
                    self._incoming.write_eof()

    def _require_before(self, deadline: float) -> None:
        """Raise TimeoutError if the deadline is over. If records without data arrive all the time, no read waits."""
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, f"timed out reading from {self.peer}")

    def _feed(self, deadline: float) -> bool:
        """Give OpenSSL the peer's next bytes; return False at the end of the stream.

        Raises ConnectionAbortedError if too many of them contained no data.
        """
        data = super()._read(RECV_BYTES, deadline)
        now = time.monotonic()
        freed = (now - self._fed_at) * OVERHEAD_BYTES_PER_SECOND
        self._overhead_bytes = max(0.0, self._overhead_bytes - freed) + len(data)
        self._fed_at = now
        if self._overhead_bytes > OVERHEAD_BYTES + RECV_BYTES:  # the newest may contain data
            raise ConnectionAbortedError(errno.ECONNABORTED, "too many TLS records without data")
        with self._lock:
            self._incoming.write(data)
        return bool(data)

    def _close_gracefully(self) -> None:
        """Send close_notify, then FIN."""
        with self._lock:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass  # the peer's close_notify has not arrived, and is not waited for
            self._keep_locked(memoryview(self._outgoing.read()))
            try:
                self._flush_locked()
            except OSError:
                return  # the connection is dead
        super()._close_gracefully()
