"""The two ends of a real connection, and a socket whose buffer is full when a test wants it."""

from __future__ import annotations

import errno
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Self-signed, valid until 2126; the file also contains the private key.
CERTIFICATE = Path(__file__).parent.parent / "fixtures/tls/localhost.pem"


def soon(seconds: float = 30.0) -> float:
    """Return a deadline, in monotonic seconds."""
    return time.monotonic() + seconds


def tcp_pair(
    send_bytes: int | None = None, receive_bytes: int | None = None
) -> tuple[socket.socket, socket.socket]:
    """Return the accepted and the connected end of a loopback connection.

    ``send_bytes`` sets the send buffer of the accepted end, ``receive_bytes`` the receive buffer of the connected end.
    A small receive buffer is only for tests in which nothing waits for the stream: below the segment size its window
    opens so rarely that TCP waits for its probe timer.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.socket()
        if send_bytes is not None:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
        if receive_bytes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.settimeout(10)
        client.connect(server.getsockname())
        accepted, _ = server.accept()
    return accepted, client


@contextmanager
def held_port() -> Iterator[int]:
    """Hold a port of loopback, so that the kernel gives it to no other program while a test binds and closes it.

    A socket with SO_REUSEADDR can be bound to it beside this one, which does not listen: without the other one,
    connections are refused.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def read_exactly(sock: socket.socket, n: int) -> bytes:
    """Read ``n`` bytes, or fewer if the stream ends before that."""
    data = bytearray()
    while len(data) < n and (more := sock.recv(min(n - len(data), 65536))):
        data += more
    return bytes(data)


def read_to_end(sock: socket.socket) -> bytes:
    """Read until the end of the stream."""
    return read_exactly(sock, 1 << 40)


class LimitedSocket(socket.socket):
    """A connected socket that accepts ``room`` more bytes, exactly, and then reports a full buffer.

    With ``opens`` set, it reports that once, and then has room again: as if the peer had read in the meantime.
    """

    room: float = math.inf
    opens = False

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self._changed = threading.Condition()
        self._refused: set[int] = set()  # threads whose send has found the buffer full

    def send(self, data: object, flags: int = 0, /) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        if self.room <= 0:
            with self._changed:
                self._refused.add(threading.get_ident())
                self._changed.notify_all()
            if self.opens:
                self.room = math.inf
            raise BlockingIOError(errno.EAGAIN, "full")
        sent = super().send(view[: int(min(self.room, len(view)))], flags)
        self.room -= sent
        return sent

    def wait_for_refused(self, threads: int) -> None:
        """Wait until so many threads have found the buffer full."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._refused) >= threads, 10)
