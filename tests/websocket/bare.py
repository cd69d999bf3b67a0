"""A connection without hub and stream, for tests of its two pumps, and a system that is out of threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client
from telemetry_stream.net.transport import Transport
from telemetry_stream.websocket.connection import Connection, Timing
from telemetry_stream.websocket.quota import Allowance
from tests.net.pairs import tcp_pair
from tests.websocket.peer import KEY, Peer, handshake


class Bare(NamedTuple):
    transport: Transport
    client: Client
    peer: Peer
    thread: threading.Thread  # of the connection
    may_close: threading.Event  # the transport stays open until this is set


@contextmanager
def bare(timing: Timing) -> Iterator[Bare]:
    """Connect a viewer with small buffers. At the end wait for the connection's thread."""
    accepted, sock = tcp_pair(4096)
    transport = Transport(accepted)
    client = Client(transport.try_send)
    may_close = threading.Event()

    def serve() -> None:
        assert transport.recv(4096, time.monotonic() + 10) == handshake()
        try:
            with Connection(
                transport, KEY, client, number=12_345, timing=timing, allowance=Allowance()
            ) as connection:
                connection.read()
            may_close.wait(10)
        finally:
            transport.close()

    thread = threads.start("ts-conn1", serve)
    with Peer(sock) as peer:
        yield Bare(transport, client, peer, thread, may_close)
        may_close.set()
    thread.join(10)
    assert not thread.is_alive()


def refuse_write_pumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the system refuse the thread of every write pump, as at the limit of a container."""
    start = threading.Thread.start

    def maybe_start(thread: threading.Thread) -> None:
        if thread.name.endswith("-write"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", maybe_start)
