"""Listening sockets are bound where the setting says, and a failure leaves none behind."""

from __future__ import annotations

import socket

import pytest

from telemetry_stream.net.bind import bind


def takes(sock: socket.socket, host: str) -> bool:
    """Whether somebody who comes to this address is there."""
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
def test_who_is_let_in_by_which_name(host: str, ipv4: bool, ipv6: bool) -> None:
    """``::`` takes both kinds, any other address its own."""
    if host == "localhost":  # whichever of the two is first in this host's files
        ipv6 = socket.getaddrinfo(host, 0)[0][0] == socket.AF_INET6
        ipv4 = not ipv6
    with bind((host, 0)) as sock:
        assert (takes(sock, "127.0.0.1"), takes(sock, "::1")) == (ipv4, ipv6)


def test_a_port_that_somebody_has_is_an_error() -> None:
    """And its socket is closed: the fixture for all tests would see it."""
    with bind(("127.0.0.1", 0)) as taken:
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            bind(taken.getsockname())


def test_a_port_that_was_left_a_moment_ago_can_be_had() -> None:
    """A restart does not wait for the last run's connections to be forgotten (TIME_WAIT)."""
    with bind(("127.0.0.1", 0)) as first:
        first.listen()
        address = first.getsockname()
        with socket.create_connection(address, 10) as client:
            first.accept()[0].close()
            assert client.recv(1) == b""
    with bind(address):
        pass
