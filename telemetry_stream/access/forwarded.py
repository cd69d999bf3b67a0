"""Behind a reverse proxy: who really asks, and over http or https.

A header can be written by anybody, so it counts only where the connection comes from a proxy that is trusted, and of
X-Forwarded-For only the last hop, which that proxy has seen itself. The environ is corrected in place, before anybody
looks at it: limits, logs, cookies and the check of origins then need to know nothing of proxies.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

LOOPBACK = ("127.0.0.0/8", "::1/128")


class Proxies:
    """The proxies that are trusted: addresses, networks, and ``loopback`` for those on this host."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """ValueError for what is none of these."""
        named = [LOOPBACK if name == "loopback" else (name,) for name in trusted]
        self._networks = [
            ipaddress.ip_network(name, strict=False) for some in named for name in some
        ]

    def correct(self, environ: dict[str, Any]) -> None:
        """Put the proxy's word about its client in the place of what the connection says."""
        if not self._networks or not self.is_trusted(environ["REMOTE_ADDR"]):
            return
        address = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if _maybe_address(address) is not None:
            environ["REMOTE_ADDR"] = address
            del environ["REMOTE_PORT"]  # was the proxy's
        scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme

    def is_trusted(self, peer: str) -> bool:
        """Whether a connection's peer is one of these proxies."""
        address = _maybe_address(peer)
        return address is not None and any(address in network for network in self._networks)


def peer_of(environ: Mapping[str, Any]) -> str:
    """Who asks, as ``127.0.0.1:5321`` or ``[::1]:5321``; without a port where a proxy has told of no port."""
    address, port = environ["REMOTE_ADDR"], environ.get("REMOTE_PORT")
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _maybe_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
