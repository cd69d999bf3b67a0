"""One connection that is served on a thread, and a client that sends and reads bytes."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

from telemetry_stream import threads
from telemetry_stream.net.http import Limits, serve
from telemetry_stream.net.transport import Transport
from tests.net.pairs import read_to_end, tcp_pair

HOST = b" HTTP/1.1\r\nHost: x\r\n\r\n"
LIMITS = Limits(head_seconds=10.0, max_head_bytes=16 * 1024, max_requests=1000)


@contextmanager
def conversation(
    app: WSGIApplication,
    *,
    buffers: tuple[int, int] | None = None,
    headers: Sequence[tuple[str, str]] = (),
    **limits: Any,
) -> Iterator[socket.socket]:
    """Serve one connection as the listener does. Yields the client's end, and closes it at the end."""
    accepted, client = tcp_pair(*buffers or ())
    crashes: list[BaseException] = []

    def run() -> None:
        transport = Transport(accepted)
        try:
            serve(transport, app, LIMITS._replace(**limits), headers)
        finally:
            transport.close()

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
