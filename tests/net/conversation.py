"""One connection that is served on a thread, and a client that sends and reads bytes.

With a clock, its deadlines are those of this clock, which the test moves.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from wsgiref.types import StartResponse, WSGIApplication

from telemetry_stream import threads
from telemetry_stream.net import http, wsgi
from telemetry_stream.net.http import Limits, serve
from telemetry_stream.net.transport import Transport
from tests.net.pairs import read_to_end, tcp_pair

HOST = b" HTTP/1.1\r\nHost: x\r\n\r\n"
LIMITS = Limits(head_seconds=10.0, max_head_bytes=16 * 1024, max_requests=1000)


class Clock:
    """A monotonic clock that moves only when the test moves it, and the deadlines of the reads and writes by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.reads: list[float] = []
        self.writes: list[float] = []

    def __call__(self) -> float:
        return self.now


class ClockedTransport(Transport):
    """A transport whose deadlines are of this clock."""

    __slots__ = ("_clock",)

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        super().__init__(sock)
        self._clock = clock

    def recv(self, n: int, deadline: float) -> bytes:
        self._clock.reads.append(deadline)
        data: bytes = self._until(deadline, lambda moment: Transport.recv(self, n, moment))
        return data

    def send(self, data: bytes | memoryview, deadline: float) -> None:
        self._clock.writes.append(deadline)
        parts = iter((data,))  # what is not written by a deadline is kept
        self._until(deadline, lambda moment: Transport.send(self, next(parts, b""), moment))

    def _until(self, deadline: float, attempt: Callable[[float], Any]) -> Any:
        while self._clock() < deadline:
            try:
                return attempt(time.monotonic() + 0.01)
            except TimeoutError:
                continue
        return attempt(0.0)


@contextmanager
def conversation(
    app: WSGIApplication,
    *,
    clock: Clock | None = None,
    buffers: tuple[int, int] | None = None,
    headers: Sequence[tuple[str, str]] = (),
    **limits: Any,
) -> Iterator[socket.socket]:
    """Serve one connection as the listener does. Yields the client's end, and closes it at the end."""
    accepted, client = tcp_pair(*buffers or ())
    crashes: list[BaseException] = []

    def run() -> None:
        transport = Transport(accepted) if clock is None else ClockedTransport(accepted, clock)
        try:
            serve(transport, app, LIMITS._replace(**limits), headers)
        finally:
            transport.close()

    moments = time if clock is None else SimpleNamespace(**{**vars(time), "monotonic": clock})
    with patch.object(http, "time", moments), patch.object(wsgi, "time", moments):
        thread = threads.start("ts-serve", run, on_crash=crashes.append)
        with client:
            yield client
        thread.join(10)
    assert not thread.is_alive()
    assert not crashes


def ask(app: WSGIApplication, request: bytes, **options: Any) -> bytes:
    """Send ``request`` and the end of the stream; return everything that the server answers."""
    with conversation(app, **options) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return read_to_end(client)


def echo(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """Answer with method, path and query."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [
        "{REQUEST_METHOD} {PATH_INFO}?{QUERY_STRING}\n".format_map(environ).encode("latin-1"),
    ]


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer in a stream."""
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]
