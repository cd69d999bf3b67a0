"""Two ends of a real connection, and the few things every test of net/ does with them."""

from __future__ import annotations

import socket
import time
from pathlib import Path

CERTIFICATE = (
    Path(__file__).parent.parent / "fixtures/tls/localhost.pem"
)  # self-signed, key included, to 2126


def soon(seconds: float = 10.0) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def tcp_pair(
    send_bytes: int | None = None, receive_bytes: int | None = None
) -> tuple[socket.socket, socket.socket]:
    """Two ends of a loopback connection, accepted and connected.

    The accepted end's send buffer and the connected end's receive buffer are small on request. The latter only where
    nobody waits for the stream to move on: a receive buffer below the segment size opens its window so rarely that
    TCP waits for its probe timer.
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


def read_exactly(sock: socket.socket, n: int) -> bytes:
    """Read ``n`` bytes, or fewer when the stream ends before."""
    data = bytearray()
    while len(data) < n and (more := sock.recv(min(n - len(data), 65536))):
        data += more
    return bytes(data)


def read_to_end(sock: socket.socket) -> bytes:
    """Read until the end of the stream."""
    return read_exactly(sock, 1 << 40)
