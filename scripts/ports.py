"""Ports for programs that cannot use port 0, or that get the same port again after a restart."""

from __future__ import annotations

import random
import socket

# Below the range of ports for outgoing connections (ip(7), ip_local_port_range), as the program's default port.
# Otherwise another connection could get the port before the program listens or while it is down. It could even be that
# of a viewer of the program, which would connect to itself.
PORTS = range(20_000, 30_000)


def bound_socket() -> socket.socket:
    """Return a socket that is bound to a free port of PORTS on loopback."""
    while True:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", random.choice(PORTS)))  # noqa: S311 (any that is free)
        except OSError:
            sock.close()
        else:
            return sock


def free_port() -> int:
    """Return a port of PORTS that was free a moment ago."""
    with bound_socket() as sock:
        port: int = sock.getsockname()[1]
        return port
