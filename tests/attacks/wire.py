"""What the attackers do with sockets: say something, and hear what the server makes of it."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Callable
from threading import Event

from tests.net.pairs import CERTIFICATE
from tests.viewers import PATIENCE_SECONDS

Address = tuple[str, int]

# A pause between the words of a slow talker; nothing is waited for.
pause = Event()


def dial(address: Address, *, buffer_bytes: int | None = None, source: str = "") -> socket.socket:
    """A connection whose every wait ends, by a failure.

    On request with so little room for what comes, or from another address (all of 127.0.0.0/8 is this host).
    """
    sock = socket.socket()
    if buffer_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    sock.settimeout(PATIENCE_SECONDS)
    try:
        if source:
            sock.bind((source, 0))
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def over_tls(sock: socket.socket) -> ssl.SSLSocket:
    """The connection with TLS on it, once both sides have agreed; who is at the other end is checked."""
    return ssl.create_default_context(cafile=CERTIFICATE).wrap_socket(
        sock, server_hostname="localhost"
    )


def read_to_end(sock: socket.socket) -> bytes:
    """All that comes until the server hangs up, politely or by a reset; TimeoutError if it does not."""
    heard = bytearray()
    try:
        while data := sock.recv(65536):
            heard += data
    except ConnectionError:
        pass
    return bytes(heard)


def say(address: Address, words: bytes, *, and_listen: bool = True, source: str = "") -> bytes:
    """Say all of ``words``, or as much as the server listens to, and hear it out."""
    with dial(address, source=source) as sock:
        try:
            sock.sendall(words)
            if not and_listen:
                with contextlib.suppress(
                    OSError
                ):  # ENOTCONN, where the server has hung up by a reset
                    sock.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # it has had enough
        return read_to_end(sock)


def statuses(answers: bytes) -> list[int]:
    """The status of each answer in a stream of them."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def talk_until_hung_up(send: Callable[[bytes], object], words: bytes) -> None:
    """Repeat ``words`` until the server hangs up. It has to: the test's timeout is near."""
    try:
        while True:
            send(words)
    except (ConnectionError, ssl.SSLEOFError):
        pass


def drip(sockets: list[socket.socket], words: bytes) -> list[bytes]:
    """Say ``words`` to each over and over, a byte at a time, until all have hung up; return what each has said."""
    talking = dict.fromkeys(sockets)
    for i in range(10_000):
        for sock in list(talking):
            try:
                sock.send(words[i % len(words)].to_bytes())
            except OSError:
                del talking[sock]
        if not talking:
            break
        pause.wait(0.05)
    return [read_to_end(sock) for sock in sockets]


def head(line: str = "GET / HTTP/1.1", *headers: str) -> bytes:
    """A request's head with a Host."""
    return "\r\n".join([line, "Host: localhost", *headers, "", ""]).encode("latin-1")


def bearer(token: str) -> str:
    """The header that shows a token."""
    return f"Authorization: Bearer {token}"
