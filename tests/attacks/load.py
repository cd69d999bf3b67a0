"""A client that repeats one request over many connections, as fast as it is answered. It is a process of its own.

    python -m tests.attacks.load ADDRESS PORT KIND CONNECTIONS < REQUEST

The kinds: ``keep`` repeats the request on open connections; ``connect`` opens a connection for each request, reads the
begin of the answer, and resets it; ``tls`` repeats TLS handshakes and sends no request. When as many were answered as
there are connections, it prints a line. When a line arrives on standard input, it prints how many requests or
handshakes were answered per second since then.

One thread and epoll, so that the client needs less of the machine than the program that it attacks.
"""

from __future__ import annotations

import re
import selectors
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parent.parent.parent
READ_BYTES = 256 * 1024
# What a connect loop reads of an answer: with it, the program has begun to send a history.
BEGIN_BYTES = 1000

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Load:
    """The running process, as a context manager."""

    def __init__(
        self, address: tuple[str, int], kind: str, connections: int, request: bytes = b""
    ) -> None:
        host, port = address
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.load", host, str(port), kind, str(connections)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % len(request) + request)
        self._process.stdin.flush()

    def wait_for_answers(self) -> None:
        """Wait until as many requests were answered as there are connections: the process has started."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"answered\n"

    def answers_per_second(self) -> float:
        """Stop the process and return what it has counted."""
        output, _ = self._process.communicate(b"\n")
        return float(output)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()


class Repeated:
    """A request on an open connection, which is replaced when the program closes it."""

    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        self._request = request
        self._received = bytearray()
        self.sock = socket.create_connection(address)
        self.sock.setblocking(False)
        self.begin()

    def begin(self) -> None:
        """Send the request."""
        self._received.clear()
        self.sock.send(self._request)

    def read(self) -> tuple[bool, bool]:
        """Read what has arrived. Return whether the answer is complete, and whether the connection has ended."""
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return False, False
        except OSError:
            return False, True
        if not data:
            return self.is_complete(), True
        self.take(data)
        return self.is_complete(), False

    def take(self, data: bytes) -> None:
        """Keep a part of the answer."""
        self._received += data

    def is_complete(self) -> bool:
        """Whether the answer has arrived."""
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return False
        length = LENGTH.search(self._received, 0, head_end)
        if length is None:
            return self._received.endswith(b"\r\n0\r\n\r\n")
        return len(self._received) >= head_end + 4 + int(length[1])

    def close(self) -> None:
        """Reset the connection, so that no port stays in TIME_WAIT."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()


class Connecting(Repeated):
    """A request on a new connection each time. The begin of its answer is enough, and so is any refusal."""

    def begin(self) -> None:
        if not self._received:
            super().begin()

    def read(self) -> tuple[bool, bool]:
        complete, ended = super().read()
        return complete, complete or ended

    def is_complete(self) -> bool:
        return len(self._received) >= BEGIN_BYTES or self._received[9:10] == b"4"


class ShakingHands(Connecting):
    """A TLS handshake on a new connection each time."""

    _context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _context.check_hostname, _context.verify_mode = False, ssl.CERT_NONE

    def begin(self) -> None:
        self._done = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(self._incoming, self._outgoing)
        self.take(b"")

    def take(self, data: bytes) -> None:
        self._incoming.write(data)
        try:
            self._tls.do_handshake()
            self._done = True
        except ssl.SSLWantReadError:
            pass
        self.sock.send(self._outgoing.read())

    def is_complete(self) -> bool:
        return self._done


KINDS = {"keep": Repeated, "connect": Connecting, "tls": ShakingHands}


def main(host: str, port: str, kind: str, count: str) -> None:
    """Repeat the request until a line arrives on standard input. The first answers are not counted."""
    address, request = (host, int(port)), sys.stdin.buffer.read(int(sys.stdin.buffer.readline()))
    began, answers = 0.0, 0
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        for _ in range(int(count)):
            connection = KINDS[kind](address, request)
            selector.register(connection.sock, selectors.EVENT_READ, connection)
        while True:
            for key, _ in selector.select():
                connection = key.data
                if connection is None:
                    print(answers / (time.monotonic() - began))
                    return
                complete, ended = connection.read()
                answers += complete
                if not began and answers >= int(count):
                    print("answered", flush=True)
                    began, answers = time.monotonic(), 0
                if ended:
                    selector.unregister(connection.sock)
                    connection.close()
                    connection = KINDS[kind](address, request)
                    selector.register(connection.sock, selectors.EVENT_READ, connection)
                elif complete:
                    connection.begin()


if __name__ == "__main__":
    main(*sys.argv[1:])
