"""Binds a TCP socket to an address, to a host name, or to all addresses of the host (``::``)."""

from __future__ import annotations

import socket


def bind(address: tuple[str, int]) -> socket.socket:
    """Return a TCP socket that is bound to the first address that ``address`` (host, port) resolves to.

    ``::`` accepts IPv4 connections too. Raises OSError.
    """
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
