"""Binds a listening socket to what a setting names: an address, a host name, or ``::`` for all of them."""

from __future__ import annotations

import socket


def bind(address: tuple[str, int]) -> socket.socket:
    """Bind the first address that ``address`` names; ``::`` takes IPv4 too."""
    host, port = address
    family, kind, protocol, _, name = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        sock.bind(name)
    except OSError:
        sock.close()
        raise
    return sock
