"""What the attackers do with sockets: connect, send bytes, and read what the server answers."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Callable
from threading import Event

from tests.net.pairs import CERTIFICATE
from tests.viewers import TIMEOUT_SECONDS

Address = tuple[str, int]

# A pause between the bytes of a slow client. It waits for no event.
pause = Event()


def dial(address: Address, *, buffer_bytes: int | None = None, source: str = "") -> socket.socket:
    """Return a connection on which every wait has a timeout.

    ``buffer_bytes`` limits its receive buffer. ``source`` is its own address: all of 127.0.0.0/8 is this host.
    """
    sock = socket.socket()
    if buffer_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    sock.settimeout(TIMEOUT_SECONDS)
    try:
        if source:
            sock.bind((source, 0))
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def over_tls(sock: socket.socket) -> ssl.SSLSocket:
    """Do a TLS handshake on the connection, and check the server's certificate."""
    return ssl.create_default_context(cafile=CERTIFICATE).wrap_socket(
        sock, server_hostname="localhost"
    )


def read_to_end(sock: socket.socket) -> bytes:
    """Read until the server closes the connection, regularly or by a reset. Raises TimeoutError if it does not."""
    received = bytearray()
    try:
        while data := sock.recv(65536):
            received += data
    except ConnectionError:
        pass
    return bytes(received)


def exchange(address: Address, data: bytes, *, half_close: bool = False, source: str = "") -> bytes:
    """Send ``data``, or as much as the server reads, and return everything that it answers.

    With ``half_close``, the end of the stream follows the data.
    """
    with dial(address, source=source) as sock:
        try:
            sock.sendall(data)
            if half_close:
                with contextlib.suppress(OSError):  # ENOTCONN after a reset by the server
                    sock.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # the server has closed the connection
        return read_to_end(sock)


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer in a stream."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def send_until_closed(send: Callable[[bytes], object], data: bytes) -> None:
    """Send ``data`` again and again until the server closes the connection. The test's timeout limits this."""
    try:
        while True:
            send(data)
    except (ConnectionError, ssl.SSLEOFError):
        pass


def drip(sockets: list[socket.socket], data: bytes) -> list[bytes]:
    """Send ``data`` on each socket again and again, one byte at a time, until the server has closed all of them.

    Returns what the server has answered on each.
    """
    sending = dict.fromkeys(sockets)
    for i in range(10_000):
        for sock in list(sending):
            try:
                sock.send(data[i % len(data)].to_bytes())
            except OSError:
                del sending[sock]
        if not sending:
            break
        pause.wait(0.05)
    return [read_to_end(sock) for sock in sockets]


def head(line: str = "GET / HTTP/1.1", *headers: str) -> bytes:
    """Return the head of a request, with a Host header."""
    return "\r\n".join([line, "Host: localhost", *headers, "", ""]).encode("latin-1")


def bearer(token: str) -> str:
    """Return the Authorization header for a token."""
    return f"Authorization: Bearer {token}"
