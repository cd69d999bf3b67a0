"""Free ports for programs of the tests and benchmarks."""

from __future__ import annotations

import socket
from pathlib import Path

from ports import PORTS, bound_socket, free_port


def test_ports_are_not_those_of_outgoing_connections() -> None:
    """No connection of another program can get one while it is free."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert PORTS.stop <= lowest
    assert free_port() in PORTS


def test_port_can_be_bound_again() -> None:
    """It is free, and not that of a socket that is bound now."""
    with bound_socket() as taken, socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname() != taken.getsockname()
