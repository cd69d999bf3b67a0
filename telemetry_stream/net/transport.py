"""The socket of one connection, owned from accept to close. Nothing else reads, writes or closes it.

Relies on a connected TCP socket. Does not depend on HTTP, WebSocket or queues. TLS is in ``tls.TlsTransport``, so that
a program without TLS never imports ``ssl``.

Strategy: the socket never blocks. Bytes that the kernel does not take at once are kept in ``_unsent``, not copied, and
go out before anything else. So two writers cannot interleave: a pong never lands inside a broadcast frame. One lock
guards writing. It is held only during non-blocking system calls; a thread waits outside it, until a deadline on
the monotonic clock. ``shutdown`` wakes the waiting threads, because closing a descriptor wakes none.
"""

from __future__ import annotations

import errno
import select
import socket
import threading
import time

from .address import canonical
from .permit import Permits
from .poller import Poller

# No write of ours waits longer than the write deadline (10 s). A little later the kernel gives up its retransmissions
# too, which by default last 15 minutes, so that the buffers of a peer that has vanished are freed (tcp(7)).
USER_TIMEOUT_MILLISECONDS = 20_000

# close() reads on for a while. Input for a closed descriptor is answered with a reset, and after a reset the peer loses
# what it has not read yet (RFC 9112 section 9.6).
DRAIN_SECONDS = 1.0
DRAIN_BYTES = 256 * 1024

MAX_POLL_MILLISECONDS = 2**31 - 1  # poll(2) takes an int


class Transport:
    """Complete writes, and deadlines for reading and writing, over one socket.

    One reading thread calls ``recv`` and ``unread``. Any thread may call ``send``, ``try_send``, ``send_final`` and
    ``shutdown``. The thread that owns the connection calls ``close`` last; a thread that still calls another method
    afterwards gets OSError.

    ``_lock`` guards every write to the socket, and ``_unsent``, ``_unsent_bytes``, ``_blocked``, ``_ended``,
    ``_write_closed`` and ``bytes_sent``.
    """

    # try_send runs once per viewer and tick, and finds its transport outside the CPU's caches. With slots the object
    # takes two cache lines.
    __slots__ = (
        "_at_eof",
        "_blocked",
        "_descriptor",
        "_ended",
        "_lingered",
        "_lock",
        "_poller",
        "_sock",
        "_unread",
        "_unsent",
        "_unsent_bytes",
        "_write_closed",
        "bytes_sent",
        "local_address",
        "peer_address",
        "permits",
    )

    secure = False  # whether the bytes travel in TLS

    def __init__(self, sock: socket.socket, poller: Poller | None = None) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MILLISECONDS)
        self.local_address = host_and_port(sock.getsockname())
        self.peer_address = host_and_port(sock.getpeername())
        # Given up while this transport waits. Without a poller, a thread waits by itself.
        self.permits = Permits() if poller is None else poller.permits
        self._poller = poller
        self.bytes_sent = 0
        self._sock = sock
        self._descriptor = sock.fileno()  # for batch.py; -1 after close
        self._lock = threading.Lock()
        self._unsent: list[memoryview] = []
        self._unsent_bytes = 0
        # Whether try_send must write nothing: there are unsent bytes, or the write side is closed. One flag for both
        # saves try_send a second check.
        self._blocked = False
        self._write_closed = False  # the final message has been sent
        self._ended = False
        self._at_eof = False  # the peer's FIN has arrived and everything before it has been read
        self._lingered = False
        self._unread = b""

    def __repr__(self) -> str:
        state = "ended" if self._ended else "open"
        return f"<{type(self).__name__} {self.peer} {state} sent={self.bytes_sent} unsent={self._unsent_bytes}>"

    @property
    def peer(self) -> str:
        """The peer's address and port, as ``127.0.0.1:5321`` or ``[::1]:5321``."""
        host, port = self.peer_address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def handshake(self, deadline: float) -> None:
        """Do what must come before the first byte, on the connection's thread. Plain TCP needs nothing."""

    # Writing: any thread.

    def try_send(self, data: bytes) -> int:
        """Write what fits now, without waiting; return how many bytes of ``data`` that was.

        0 means that nothing was taken: another thread is writing, unsent bytes are waiting, the buffer is full, or the
        final message has been sent. If only a part was taken, the rest is kept and goes out first;
        ``send(b"", deadline)`` waits for it. Raises OSError when the connection is dead.
        """
        lock = self._lock
        if not lock.acquire(False):
            return 0
        try:
            if self._blocked:
                return 0
            sent = self._sock.send(data)
            self.bytes_sent += sent
            if sent < len(data):
                self._keep_locked(memoryview(data)[sent:])
            return sent
        except BlockingIOError:
            return 0
        finally:
            lock.release()

    def send(self, data: bytes | memoryview, deadline: float) -> None:
        """Write all of ``data``, after the unsent bytes.

        ``deadline`` is in monotonic seconds. Raises TimeoutError when the last byte has not been written by then. The
        unwritten bytes are kept, so the stream stays in order, but the caller has to end the connection. Raises OSError
        when the connection is dead or the final message has been sent.
        """
        with self._lock:
            self._require_writable_locked()
            due = self._put_locked(data)
        if self.bytes_sent < due:
            held = self.permits.held
            try:
                while self.bytes_sent < due:
                    self._wait(select.POLLOUT, deadline, due)
                    with self._lock:
                        self._flush_locked()
            finally:
                if not held:  # a write pump, which now waits for its queue
                    self.permits.release()

    def send_final(self, data: bytes) -> None:
        """Write ``data`` after the unsent bytes, without waiting, and close the write side: nothing can follow it.

        Works for a peer that does not read: the kernel's buffer is enlarged for ``data`` (up to net.core.wmem_max), and
        the peer gets it if it reads again within ``USER_TIMEOUT_MILLISECONDS``. Raises OSError when the connection is
        dead or a final message has been sent before.
        """
        with self._lock:
            self._require_writable_locked()
            self._put_locked(data)
            if self._unsent:
                # The kernel also counts its overhead for each segment, which may be as large as the data.
                size = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
                size += 2 * self._unsent_bytes
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
                self._flush_locked()
            self._write_closed = self._blocked = True

    def _require_writable_locked(self) -> None:
        if self._write_closed:
            raise BrokenPipeError(
                errno.EPIPE, "write side is closed: the final message has been sent"
            )

    def _put_locked(self, data: bytes | memoryview) -> int:
        """Write or keep ``data``; return the value that ``bytes_sent`` has once its last byte is written."""
        self._flush_locked()
        sent = 0
        if data and not self._unsent:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                pass  # nothing fits: all of it is kept
            self.bytes_sent += sent
        self._keep_locked(memoryview(data)[sent:])
        return self.bytes_sent + self._unsent_bytes

    def _keep_locked(self, rest: memoryview) -> None:
        if rest:
            self._unsent.append(rest)
            self._unsent_bytes += len(rest)
            self._blocked = True

    def _flush_locked(self) -> None:
        """Write as many of the unsent bytes as fit."""
        if self._ended:
            raise BrokenPipeError(errno.EPIPE, "connection has ended")
        while self._unsent:
            first = self._unsent[0]
            try:
                sent = self._sock.send(first)
            except BlockingIOError:
                return
            self.bytes_sent += sent
            self._unsent_bytes -= sent
            if sent < len(first):
                self._unsent[0] = first[sent:]
            else:
                del self._unsent[0]
        self._blocked = self._write_closed

    # Reading: one thread.

    def recv(self, n: int, deadline: float) -> bytes:
        """Return up to ``n`` bytes as soon as there are any, and b"" at the end of the stream.

        ``deadline`` is in monotonic seconds. Raises TimeoutError when nothing has arrived by then; the connection stays
        usable. Raises OSError when the connection is dead.
        """
        if self._unread:
            data, self._unread = self._unread[:n], self._unread[n:]
            return data
        return self._read(n, deadline)

    def unread(self, data: bytes) -> None:
        """Push ``data`` back: ``recv`` returns it before anything newer."""
        self._unread = data + self._unread

    def _read(self, n: int, deadline: float) -> bytes:
        self.permits.pass_on()
        while True:
            try:
                data = self._sock.recv(n)
            except BlockingIOError:
                pass  # wait outside this block, which keeps the exception in memory
            else:
                self._at_eof = not data
                return data
            self._wait(select.POLLIN, deadline)

    def _wait(self, event: int, deadline: float, due: int | None = None) -> None:
        """Wait until the socket is ready for ``event`` or has ended. Raises TimeoutError at ``deadline``.

        The calling thread has the permit afterwards, if there is a poller. With ``due``, there is no timeout if another
        thread has written all bytes up to it in the meantime.
        """
        remaining_milliseconds = (deadline - time.monotonic()) * 1000
        if remaining_milliseconds > 0:
            fd = self._sock.fileno()
            if fd < 0:
                raise OSError(errno.EBADF, "connection is closed")
            if self._poller is not None:
                ready = self._poller.wait(fd, event, deadline)
            else:
                poll = select.poll()
                poll.register(fd, event)
                ready = bool(poll.poll(min(remaining_milliseconds, MAX_POLL_MILLISECONDS)))
            if ready:
                return
        if due is None or self.bytes_sent < due:
            raise TimeoutError(errno.ETIMEDOUT, f"timed out waiting for {self.peer}")

    # Ending.

    def shutdown_reading(self) -> None:
        """Read no further: a thread that waits for input gets the end of the stream. Writing continues. Any thread."""
        with self._lock:
            if not self._ended:
                self._shut(socket.SHUT_RD)

    def shutdown(self) -> None:
        """End the connection now and wake every thread that waits for it. Any thread, any number of times."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._unsent.clear()
            self._unsent_bytes = 0
            self._blocked = False  # so that try_send finds the dead socket and raises
            self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        try:
            self._sock.shutdown(how)
        except OSError as error:
            # After a reset by the peer, no thread waits any more.
            if error.errno != errno.ENOTCONN:
                raise

    def linger(self) -> None:
        """Let the peer read what was sent last: send FIN, then read its input for up to ``DRAIN_SECONDS``.

        Does not wait for unsent bytes. Does nothing if the connection has ended, or at the second call.
        """
        if not (self._ended or self._lingered):
            self._lingered = True
            self._close_gracefully()

    def close(self) -> None:
        """Linger, end the connection, and free the descriptor. Safe to call twice."""
        if self._sock.fileno() < 0:
            return
        self.linger()
        self.shutdown()
        # Under the lock, because no write may be in progress: the descriptor's number is soon used again.
        with self._lock:
            self._descriptor = -1
            self._sock.close()

    def _close_gracefully(self) -> None:
        """Send FIN, and read until the peer's FIN for a short time. If that has arrived, close(2) alone is graceful."""
        if self._at_eof:
            return
        deadline = time.monotonic() + DRAIN_SECONDS
        drained = 0
        try:
            self._sock.shutdown(socket.SHUT_WR)
            while drained < DRAIN_BYTES and (data := Transport._read(self, 16 * 1024, deadline)):
                drained += len(data)
        except OSError:
            return  # the peer has reset the connection, or stayed silent until the deadline


def host_and_port(address: tuple[str, int]) -> tuple[str, int]:
    """Return host and port of a socket address; an IPv4 peer of a dual-stack socket is written as IPv4."""
    host, port = address[:2]
    return (canonical(host), port)
