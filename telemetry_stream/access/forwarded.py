"""Forwarded addresses: behind a reverse proxy, the address and the scheme of the client.

Any client can send X-Forwarded-For and X-Forwarded-Proto. So they count only if the connection comes from a trusted
proxy, and only the last entry of each: the trusted proxy itself has added it. The environ is changed before anything
else reads it, so limits, logs, cookies and the check of Origin need not consider proxies.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

LOOPBACK = ("127.0.0.0/8", "::1/128")


class Proxies:
    """The trusted proxies: addresses, networks, and ``loopback`` for proxies on this host."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """Parse the entries. Raises ValueError for an entry that is none of these."""
        entries = [LOOPBACK if name == "loopback" else (name,) for name in trusted]
        self._networks = [
            ipaddress.ip_network(name, strict=False) for names in entries for name in names
        ]

    def correct(self, environ: dict[str, Any]) -> None:
        """Replace the proxy's address and scheme in ``environ`` by those of its client."""
        if not self._networks or not self.is_trusted(environ["REMOTE_ADDR"]):
            return
        address = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if _maybe_address(address) is not None:
            environ["REMOTE_ADDR"] = address
            del environ["REMOTE_PORT"]  # the proxy's port; the client's is unknown
        scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme

    def is_trusted(self, peer: str) -> bool:
        """Return whether the address ``peer`` is one of these proxies."""
        address = _maybe_address(peer)
        return address is not None and any(address in network for network in self._networks)


def peer_of(environ: Mapping[str, Any]) -> str:
    """Return the client as ``127.0.0.1:5321`` or ``[::1]:5321``, or without a port if a proxy forwarded the request."""
    address, port = environ["REMOTE_ADDR"], environ.get("REMOTE_PORT")
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _maybe_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
