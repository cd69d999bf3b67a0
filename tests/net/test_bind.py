"""Sockets are bound to the address that a setting names, and a failure leaves none open."""

from __future__ import annotations

import socket

import pytest

from telemetry_stream.net.bind import bind
from tests.net.pairs import held_port


def accepts(sock: socket.socket, host: str) -> bool:
    """Whether a client can connect to this address of the socket."""
    sock.listen()
    try:
        socket.create_connection((host, sock.getsockname()[1]), 10).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "ipv4", "ipv6"),
    [
        ("127.0.0.1", True, False),
        ("localhost", True, False),
        ("::", True, True),
        ("::1", False, True),
    ],
)
def test_address_families_that_can_connect(host: str, ipv4: bool, ipv6: bool) -> None:
    """``::`` accepts both, any other address its own."""
    if host == "localhost":  # the first of the two in the files of this host
        ipv6 = socket.getaddrinfo(host, 0)[0][0] == socket.AF_INET6
        ipv4 = not ipv6
    with bind((host, 0)) as sock:
        assert (accepts(sock, "127.0.0.1"), accepts(sock, "::1")) == (ipv4, ipv6)


def test_port_in_use_is_an_error() -> None:
    """The socket is closed: otherwise the fixture for all tests would report it."""
    with bind(("127.0.0.1", 0)) as taken:
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            bind(taken.getsockname())


def test_port_can_be_bound_again_right_after_its_last_connection() -> None:
    """A restart does not wait until the kernel has forgotten the old connections (TIME_WAIT)."""
    with held_port() as port:
        address = ("127.0.0.1", port)
        with bind(address) as first:
            first.listen()
            with socket.create_connection(address, 10) as client:
                first.accept()[0].close()
                assert client.recv(1) == b""
        with bind(address) as second:
            second.listen()
