"""A listener for a test, its clients, a handler that holds on, and a socket whose accepts fail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from telemetry_stream.net.listener import Listener
from telemetry_stream.net.transport import Transport
from tests.net.pairs import soon


def hold(transport: Transport) -> None:
    """Say who serves, then keep the connection until it ends."""
    transport.send(threading.current_thread().name.encode() + b"\n", soon())
    while transport.recv(100, soon(60)):
        pass


@contextmanager
def listening(
    handle: Callable[[Transport], object], address: Any = ("127.0.0.1", 0), **options: Any
) -> Iterator[Listener]:
    """A started listener, closed at the end with all its connections."""
    listener = Listener(address, handle, **options)
    listener.start()
    try:
        yield listener
    finally:
        assert listener.close(soon())


def connect(listener: Listener) -> socket.socket:
    """A client of ``listener``."""
    client = socket.create_connection(listener.address, timeout=10)
    client.settimeout(10)
    return client


class Troubled(socket.socket):
    """A listening socket whose first accepts fail as told."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.bind(("127.0.0.1", 0))
        self.errors = list(errors)
        self.accepts = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.accepts += 1
        if self.errors:
            raise self.errors.pop(0)
        return super().accept()
