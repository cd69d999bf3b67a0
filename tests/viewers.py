"""Viewers of a running program, as users have them: two WebSocket libraries, a plain socket, and HTTP.

They know only the program's address.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import websocket
from websockets.sync.client import ClientConnection, connect

# Ends a test that hangs. No test measures with it.
TIMEOUT_SECONDS = 30.0

Message = dict[str, Any]


class Viewer(Protocol):
    """A client that reads messages."""

    def read(self) -> Message:
        """Return the next message that is not ``alerts``: a busy host has some at any time."""

    def read_close_code(self) -> int | None:
        """Read to the end; return the server's close code, or None if there was no close frame."""


class WebsocketsViewer:
    """The ``websockets`` package."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def read_any(self) -> Message:
        """Return the next message."""
        message: Message = json.loads(self._connection.recv(timeout=TIMEOUT_SECONDS))
        return message

    def read(self) -> Message:
        while (message := self.read_any())["type"] == "alerts":
            pass
        return message

    def read_close_code(self) -> int | None:
        for _ in self._connection:
            pass
        return self._connection.close_code


class WebsocketClientViewer:
    """The ``websocket-client`` package."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection

    def read(self) -> Message:
        while True:
            message: Message = json.loads(self._connection.recv())
            if message["type"] != "alerts":
                return message

    def read_close_code(self) -> int | None:
        while True:
            opcode, data = self._connection.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                assert isinstance(data, bytes)
                return int.from_bytes(data[:2], "big") if data else None


@contextmanager
def websockets_viewer(url: str, query: str = "") -> Iterator[WebsocketsViewer]:
    """Connect with ``websockets``. A history can be larger than the 1 MiB that it accepts by default.

    It reads ahead without a limit. Otherwise a close would wait ten seconds behind the messages that no test has read.
    """
    with connect(ws_url(url, query), max_size=None, max_queue=None, proxy=None) as connection:
        yield WebsocketsViewer(connection)


@contextmanager
def websocket_client_viewer(url: str, query: str = "") -> Iterator[WebsocketClientViewer]:
    """Connect with ``websocket-client``, which sends an Origin as browsers do."""
    connection = websocket.create_connection(
        ws_url(url, query), timeout=TIMEOUT_SECONDS, http_no_proxy="*"
    )
    try:
        yield WebsocketClientViewer(connection)
    finally:
        connection.close()
        connection.shutdown()  # type: ignore[no-untyped-call]  # after the server's close frame, close leaves the socket open


LIBRARIES: dict[str, Callable[..., Any]] = {
    "websockets": websockets_viewer,
    "websocket-client": websocket_client_viewer,
}


def ws_url(url: str, query: str = "") -> str:
    """Return the address of the stream for the dashboard at ``url``."""
    return "ws" + url.removeprefix("http") + "ws" + (f"?{query}" if query else "")


def address_of(url: str) -> tuple[str, int]:
    """Return host and port."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def get(url: str, path: str) -> tuple[int, Any]:
    """Send one request; return the status and the JSON of the response."""
    host, port = address_of(url)
    with closing(http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def clients(url: str) -> list[dict[str, Any]]:
    """Return the program's report of its viewers."""
    status, report = get(url, "/api/v1/clients")
    assert status == 200
    found: list[dict[str, Any]] = report["clients"]
    return found


@contextmanager
def lines_reader(url: str, query: str = "") -> Iterator[Iterator[Message]]:
    """Read JSON lines, without alerts; the iterator ends with the body."""
    host, port = address_of(url)
    with closing(http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request("GET", f"/api/v1/stream?{query}" if query else "/api/v1/stream")
        with connection.getresponse() as response:
            assert response.status == 200
            messages = (json.loads(line) for line in response)
            yield (message for message in messages if message["type"] != "alerts")


@contextmanager
def bare_socket(url: str, request: bytes = b"") -> Iterator[socket.socket]:
    """A connection with a small receive buffer that has sent ``request``. It reads only what the test reads."""
    family = socket.AF_INET6 if ":" in address_of(url)[0] else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(TIMEOUT_SECONDS)
        sock.connect(address_of(url))
        sock.sendall(request)
        yield sock


def upgrade_request(query: str = "") -> bytes:
    """Return the request of a WebSocket handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    target = f"/ws?{query}" if query else "/ws"
    return (
        f"GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def read_samples(viewer: Viewer, count: int) -> list[Message]:
    """Return the next ``count`` samples. Other messages are skipped."""
    samples: list[Message] = []
    while len(samples) < count:
        message = viewer.read()
        if message["type"] == "sample":
            samples.append(message)
    return samples


def seqs(samples: list[Message]) -> list[int]:
    """Return the numbers of the samples."""
    return [sample["seq"] for sample in samples]


def assert_consecutive(numbers: list[int], step: int = 1) -> None:
    """Assert that there is no gap and no duplicate."""
    assert numbers
    assert numbers == list(range(numbers[0], numbers[0] + step * len(numbers), step))
