"""Transport: its addresses, its socket options, and reading. Writing and ending have test modules of their own."""

from __future__ import annotations

import math
import socket

import pytest

from telemetry_stream.net.transport import Transport, host_and_port
from tests.net.pairs import soon, tcp_pair

Ends = tuple[Transport, socket.socket]


def test_socket_options_and_addresses() -> None:
    """Nagle's algorithm is off, the wait for acknowledgements is limited, and both ends have addresses."""
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
    assert transport.peer == f"127.0.0.1:{peer.getsockname()[1]}"
    assert transport.local_address == peer.getpeername()
    assert repr(transport) == f"<Transport {transport.peer} open sent=0 unsent=0>"
    peer.close()
    transport.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (("127.0.0.1", 80), ("127.0.0.1", 80)),
        (("::1", 80, 0, 0), ("::1", 80)),
        (("::ffff:10.0.0.1", 80, 0, 0), ("10.0.0.1", 80)),
    ],
)
def test_ipv4_peer_of_a_dual_stack_socket_is_written_as_ipv4(
    name: tuple[str, int], expected: tuple[str, int]
) -> None:
    """Of an IPv6 address only host and port are kept; a mapped IPv4 address loses its prefix."""
    assert host_and_port(name) == expected


def test_unread_bytes_are_read_first(ends: Ends) -> None:
    """Bytes that were pushed back are read before newer ones, in order, however small the reads are."""
    transport, peer = ends
    peer.sendall(b"newer")
    transport.unread(b"cond")
    transport.unread(b"se")
    assert transport.recv(3, soon()) == b"sec"
    assert transport.recv(100, soon()) == b"ond"
    assert transport.recv(100, soon()) == b"newer"


def test_connection_is_usable_after_a_read_timeout(ends: Ends) -> None:
    """A timeout of recv, or a deadline in the past, changes nothing for later reads and writes."""
    transport, peer = ends
    with pytest.raises(TimeoutError):
        transport.recv(10, soon(0.01))
    with pytest.raises(TimeoutError):
        transport.recv(10, soon(-1))
    peer.sendall(b"late")
    assert transport.recv(10, math.inf) == b"late"
    transport.send(b"fine", soon())
    assert peer.recv(10) == b"fine"


def test_end_of_stream_is_empty_and_sending_still_works(ends: Ends) -> None:
    """A peer that has closed its write side can still read."""
    transport, peer = ends
    peer.shutdown(socket.SHUT_WR)
    assert transport.recv(10, soon()) == b""
    transport.send(b"answer", soon())
    assert peer.recv(10) == b"answer"
