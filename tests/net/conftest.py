"""Connections for the tests of transports, and threads for their other ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_stream.net.transport import Transport
from tests.net.pairs import LimitedSocket, tcp_pair
from tests.net.tls_pairs import tls_ends


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for what happens at the same time."""
    with ThreadPoolExecutor(8) as threads:
        yield threads


@pytest.fixture
def ends() -> Iterator[tuple[Transport, socket.socket]]:
    """A transport with a small send buffer, and its peer."""
    accepted, peer = tcp_pair(send_bytes=4096)
    transport = Transport(accepted)
    yield transport, peer
    transport.shutdown()
    transport.close()
    peer.close()


@pytest.fixture(params=["plain", "tls"])
def limited(
    request: pytest.FixtureRequest, pool: ThreadPoolExecutor
) -> Iterator[tuple[Transport, LimitedSocket, socket.socket]]:
    """A transport, plain or over TLS, the limited socket under it, and its peer."""
    accepted, peer = tcp_pair()
    sock = LimitedSocket(accepted)
    if request.param == "plain":
        transport = Transport(sock)
    else:
        transport, peer = tls_ends(sock, peer, pool)
    yield transport, sock, peer
    transport.shutdown()
    transport.close()
    peer.close()
