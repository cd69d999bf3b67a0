"""A listener for a test, its clients, a handler that keeps the connection, and a socket whose accepts fail."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.listener import Listener
from telemetry_stream.net.transport import Transport
from tests.net.pairs import soon


def hold(transport: Transport) -> None:
    """Send the name of the serving thread, then keep the connection until it ends."""
    transport.send(threading.current_thread().name.encode() + b"\n", soon())
    while transport.recv(100, soon(60)):
        pass


def make_listener(
    handle: Callable[[Transport], object], address: Any = ("127.0.0.1", 0), **options: Any
) -> Listener:
    """Return a listener that has not been started; by default without limits and without TLS."""
    defaults: dict[str, Any] = {
        "max_connections": 8192,
        "per_address": PerAddress(8192),
        "ssl_context": None,
        "headers": (),
        "on_crash": lambda _: None,
    }
    return Listener(address, handle, **(defaults | options))


@contextmanager
def listening(
    handle: Callable[[Transport], object], address: Any = ("127.0.0.1", 0), **options: Any
) -> Iterator[Listener]:
    """Start a listener, and close it at the end with all its connections."""
    listener = make_listener(handle, address, **options)
    listener.start()
    try:
        yield listener
    finally:
        assert listener.close(soon())


def connect(listener: Listener) -> socket.socket:
    """Return a client of ``listener``."""
    client = socket.create_connection(listener.address, timeout=10)
    client.settimeout(10)
    return client


def is_reset(client: socket.socket) -> bool:
    """Send a byte; return whether the server has closed its socket, which shows from the second byte on."""
    try:
        client.send(b"x")
    except ConnectionError:
        return True
    return False


def thread_named(name: str) -> threading.Thread:
    """Return the running thread of this name."""
    (thread,) = (thread for thread in threading.enumerate() if thread.name == name)
    return thread


def is_asleep(thread: threading.Thread) -> bool:
    """Whether the thread has waited in one system call for 20 ms. A thread that waits for the interpreter lock wakes
    up every 5 ms, and each time its number of context switches grows (proc(5), status).
    """
    status = Path(f"/proc/self/task/{thread.native_id}/status")
    field = re.compile(r"^(?:State|voluntary_ctxt_switches):\t(\S+)", re.MULTILINE)
    before = field.findall(status.read_text())
    threading.Event().wait(0.02)
    return before[0] == "S" and before == field.findall(status.read_text())


class FailingSocket(socket.socket):
    """A listening socket whose first accepts fail with these error numbers."""

    def __init__(self, *codes: int) -> None:
        super().__init__()
        self.bind(("127.0.0.1", 0))
        self.codes = list(codes)
        self.accepts = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.accepts += 1
        if self.codes:
            code = self.codes.pop(0)
            raise OSError(code, os.strerror(code))
        return super().accept()
