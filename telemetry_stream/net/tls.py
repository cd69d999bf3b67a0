"""A transport whose bytes travel in TLS. The one module of ours that imports ``ssl`` to use it.

Relies on OpenSSL through memory buffers (ssl.MemoryBIO) and never on ssl.SSLSocket: OpenSSL then has no socket to wait
for, takes every write whole, and what it produces is kept and sent by the same code as plain bytes. With an SSLSocket
a write that did not fit must be repeated with the same bytes, since the record is already encrypted; "nothing taken"
would be a lie. The context's makers choose certificates and versions; nothing of that is here.

One TLS object must not be used by two threads at once (a reader and a writer crashed CPython 3.11 in OpenSSL, and
3.13.6 deadlocks), so ``_lock`` guards it for reading as well. The lock is held for computing and for non-blocking
calls, never while waiting.
"""

from __future__ import annotations

import errno
import select
import socket
import ssl

from .transport import Transport

RECV_BYTES = 32 * 1024  # two records of the largest size


class TlsTransport(Transport):
    """As Transport; ``handshake`` comes first. ``bytes_sent`` counts what goes over the wire."""

    secure = True

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(sock)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        # For try_send, under the lock: making one takes as long as asking it.
        self._poller = select.poll()
        self._poller.register(sock, select.POLLOUT)
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

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
                    self._flush_outgoing_locked()  # on failure an alert, which says why
            self.send(b"", deadline)
            if not done and not self._feed(deadline):
                raise ConnectionResetError(errno.ECONNRESET, "end of stream in the TLS handshake")

    def try_send(self, data: bytes) -> int:
        if len(data) < 2 or not self._lock.acquire(False):
            return 0
        try:
            # A record cannot be taken back, so make sure first that at least a byte of it will go.
            if self._kept or not self._poller.poll(0):
                return 0
            self._tls.write(data)
            record = self._outgoing.read()
            try:
                sent = self._sock.send(record)
            except BlockingIOError:
                sent = 0  # poll has promised more than there was; the record is made, so it is kept
            self.bytes_sent += sent
            if sent == len(record):
                return len(data)
            self._keep_locked(memoryview(record)[sent:])
            # What is left is cipher text, so the count is not exact, but "all" and "nothing" are.
            return max(1, min(sent, len(data) - 1))
        finally:
            self._lock.release()

    def _put_locked(self, data: bytes) -> int:
        if data:
            self._tls.write(data)
        self._flush_outgoing_locked()
        return self.bytes_sent + len(self._rest)

    def _flush_outgoing_locked(self) -> None:
        self._keep_locked(memoryview(self._outgoing.read()))
        self._flush_locked()

    def _read(self, n: int, deadline: float) -> bytes:
        """Hand out what is decrypted already before asking the socket: poll knows nothing of it."""
        while True:
            with self._lock:
                try:
                    return self._tls.read(n)
                except ssl.SSLWantReadError:
                    pass
                finally:
                    if self._outgoing.pending:  # the answer to a key update
                        self._flush_outgoing_locked()
            if not self._feed(deadline):
                with self._lock:
                    self._incoming.write_eof()  # the next read raises SSLError: cut off, maybe by somebody else

    def _feed(self, deadline: float) -> bool:
        """Give OpenSSL what the peer sent; False at the end of the stream."""
        data = super()._read(RECV_BYTES, deadline)
        with self._lock:
            self._incoming.write(data)
        return bool(data)

    def _say_goodbye(self) -> None:
        with self._lock:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass  # the peer's own close_notify has not come, and is not waited for
            self._keep_locked(memoryview(self._outgoing.read()))
            try:
                self._flush_locked()
            except OSError:
                return  # dead already
        super()._say_goodbye()
