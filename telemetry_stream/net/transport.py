"""One connection's socket, owned from accept to close: the only thing that touches it.

Relies on a stream socket (TCP; tests also use socketpair) that nobody else reads, writes or closes. It knows no
HTTP, no WebSocket and no queue. TLS is ``tls.TlsTransport``, so a plain program never imports ``ssl``.

Strategy: the socket never blocks. What the kernel does not take at once is *kept*: it waits here and goes out before
anything else, so two writers cannot interleave, not even a pong with the rest of a broadcast. One lock guards writing
and is held for non-blocking system calls only; waiting is ``poll`` outside it, until a deadline on the monotonic
clock. ``shutdown`` is what wakes the waiting threads, because closing a descriptor wakes nobody.
"""

from __future__ import annotations

import errno
import select
import socket
import threading
import time

# Nothing of ours waits longer than the write deadline (10 s) for an acknowledgement; the kernel gives up on its own
# retransmissions (15 minutes by default) a little later, so that a vanished peer's buffers are freed too (tcp(7)).
USER_TIMEOUT_MILLISECONDS = 20_000

# close() lets the peer read our last bytes: data that arrives for a closed descriptor is answered with a reset, and a
# reset throws away what the peer has not read yet (RFC 9112 section 9.6).
DRAIN_SECONDS = 1.0
DRAIN_BYTES = 256 * 1024

MAX_POLL_MILLISECONDS = 2**31 - 1  # poll(2) takes an int


class Transport:
    """Whole writes and deadlines over one socket.

    ``recv`` and ``unread`` belong to one reading thread. ``send``, ``try_send`` and ``shutdown`` may be called by any
    thread. ``close`` is called once the other threads are done, by the thread that owns the connection; they may
    still call, and get OSError.

    ``_lock`` guards ``_rest``, ``_ended``, ``_mute``, ``bytes_sent`` and every write to the socket.
    """

    # try_send runs once a viewer and tick and finds its transport out of the cache: slots keep it in two lines.
    __slots__ = (
        "_ended",
        "_heard_all",
        "_kept",
        "_lingered",
        "_lock",
        "_mute",
        "_rest",
        "_sock",
        "_unread",
        "bytes_sent",
        "local_address",
        "peer_address",
    )

    secure = False  # is it TLS

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                sock.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MILLISECONDS
                )
        self.local_address = host_and_port(sock.getsockname())
        self.peer_address = host_and_port(sock.getpeername())
        self.bytes_sent = 0
        self._sock = sock
        self._lock = threading.Lock()
        self._rest = bytearray()
        self._kept = False  # whether there is a rest: spares try_send a look at it
        self._ended = False
        self._heard_all = False  # the peer's FIN has come, and nothing before it is unread
        self._lingered = False
        self._mute = False  # the last words have been said
        self._unread = b""

    def __repr__(self) -> str:
        state = "ended" if self._ended else "open"
        return f"<{type(self).__name__} {self.peer} {state} sent={self.bytes_sent} rest={len(self._rest)}>"

    @property
    def peer(self) -> str:
        """The other end as ``127.0.0.1:5321`` or ``[::1]:5321``."""
        host, port = self.peer_address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def handshake(self, deadline: float) -> None:
        """Agree with the peer before the first byte, on the connection's thread: nothing to do in plain text."""

    # Writing: any thread.

    def try_send(self, data: bytes) -> int:
        """Write what fits now and never wait; return how many bytes of ``data`` that was.

        0 means that nothing of it was taken: somebody is writing, a rest is waiting, or the buffer is full. Less
        than all means that the rest is kept and goes first; ``send(b"", deadline)`` waits for it. Raises OSError
        when the connection is dead.
        """
        lock = self._lock
        if not lock.acquire(False):
            return 0
        try:
            if self._kept:
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

    def send(self, data: bytes, deadline: float) -> None:
        """Write all of ``data`` after whatever is kept.

        Raises TimeoutError when its last byte is not out by ``deadline``: what is not is kept, so the stream stays
        whole, and the caller is to end the connection. Raises OSError when the connection is dead.
        """
        with self._lock:
            self._require_voice_locked()
            due = self._put_locked(data)
        while self.bytes_sent < due:
            self._wait(select.POLLOUT, deadline, due)
            with self._lock:
                self._flush_locked()

    def last_words(self, data: bytes) -> None:
        """Write ``data`` after whatever is kept, and nothing after it, without waiting.

        Also to a peer that does not read: the kernel's buffer is widened for it (as far as net.core.wmem_max), and the
        peer gets it if it reads again within ``USER_TIMEOUT_MILLISECONDS``. Raises OSError when the connection is
        dead or these are not the first last words.
        """
        with self._lock:
            self._require_voice_locked()
            self._put_locked(data)
            if self._rest:
                # In use are the old buffer and some; the kernel counts its overhead, which may be as much again.
                room = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) + 2 * len(
                    self._rest
                )
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
                self._flush_locked()
            self._mute = self._kept = True

    def _require_voice_locked(self) -> None:
        if self._mute:
            raise BrokenPipeError(errno.EPIPE, "connection has been ended: its last words are said")

    def _put_locked(self, data: bytes) -> int:
        """Write or keep ``data``; return the value of ``bytes_sent`` at which its last byte is out."""
        self._flush_locked()
        sent = 0
        if data and not self._rest:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                pass  # nothing fits: all of it is kept
            self.bytes_sent += sent
        self._keep_locked(memoryview(data)[sent:])
        return self.bytes_sent + len(self._rest)

    def _keep_locked(self, rest: memoryview) -> None:
        self._rest += rest
        self._kept = bool(self._rest)

    def _flush_locked(self) -> None:
        """Write as much of the kept rest as fits."""
        if self._ended:
            raise BrokenPipeError(errno.EPIPE, "connection has been ended")
        while self._rest:
            try:
                sent = self._sock.send(self._rest)
            except BlockingIOError:
                return
            self.bytes_sent += sent
            del self._rest[:sent]
        self._kept = self._mute  # which keeps try_send out for good

    # Reading: one thread.

    def recv(self, n: int, deadline: float) -> bytes:
        """Return up to ``n`` bytes as soon as there are any, b"" at the end of the stream.

        Raises TimeoutError past ``deadline`` (the connection lives on), OSError when the connection is dead.
        """
        if self._unread:
            data, self._unread = self._unread[:n], self._unread[n:]
            return data
        return self._read(n, deadline)

    def unread(self, data: bytes) -> None:
        """Push ``data`` back: the next ``recv`` hands it out before anything newer."""
        self._unread = data + self._unread

    def _read(self, n: int, deadline: float) -> bytes:
        while True:
            try:
                data = self._sock.recv(n)
            except BlockingIOError:
                self._wait(select.POLLIN, deadline)
            else:
                self._heard_all = not data
                return data

    def _wait(self, event: int, deadline: float, due: int | None = None) -> None:
        """Sleep until the socket is ready for ``event`` or has ended; TimeoutError past ``deadline``.

        With ``due``, bytes that another thread has written in the meantime are no timeout.
        """
        remaining_milliseconds = (deadline - time.monotonic()) * 1000
        if remaining_milliseconds > 0:
            fd = self._sock.fileno()
            if fd < 0:
                raise OSError(errno.EBADF, "connection is closed")
            poller = select.poll()
            poller.register(fd, event)
            if poller.poll(min(remaining_milliseconds, MAX_POLL_MILLISECONDS)):
                return
        if due is None or self.bytes_sent < due:
            raise TimeoutError(errno.ETIMEDOUT, f"no progress with {self.peer} by the deadline")

    # Ending.

    def shutdown(self) -> None:
        """End the connection now and wake every thread that waits on it. Any thread, any number of times."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._rest.clear()
            self._kept = False
            try:
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                if error.errno != errno.ENOTCONN:  # the peer's reset has woken everybody already
                    raise

    def linger(self) -> None:
        """Let the peer get what was sent last: FIN, then up to ``DRAIN_SECONDS`` of reading on.

        A kept rest is given up. Does nothing on a connection that has ended, or the second time.
        """
        if not (self._ended or self._lingered):
            self._lingered = True
            self._say_goodbye()

    def close(self) -> None:
        """End the connection if need be, after lingering, and free the descriptor. Safe to call twice."""
        if self._sock.fileno() < 0:
            return
        self.linger()
        self.shutdown()
        with (
            self._lock
        ):  # no write may be in flight: the number of a freed descriptor is soon somebody else's
            self._sock.close()

    def _say_goodbye(self) -> None:
        """Send FIN and read until the peer's own, for a short while; if that has come, close(2) is goodbye enough."""
        if self._heard_all:
            return
        deadline = time.monotonic() + DRAIN_SECONDS
        drained = 0
        try:
            self._sock.shutdown(socket.SHUT_WR)
            while drained < DRAIN_BYTES and (data := Transport._read(self, 16 * 1024, deadline)):
                drained += len(data)
        except OSError:
            return  # reset, or silent past the deadline: there is nobody left to be polite to


def host_and_port(address: object) -> tuple[str, int]:
    """Take what socket names an end with; an IPv4 peer of a dual-stack listener is shown as IPv4."""
    if not isinstance(address, tuple):
        return ("unix", 0)  # a socketpair in a test
    host, port = address[:2]
    return (host.removeprefix("::ffff:") if "." in host else host, port)
