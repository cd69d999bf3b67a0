"""Forwarded addresses: behind a reverse proxy, the address and the scheme of the client.

Any client can send X-Forwarded-For and X-Forwarded-Proto. So they count only if the connection comes from a trusted
proxy, and only the last entry of each: the trusted proxy itself has added it. The entry is an address, with or without
a port. It has no zone id (RFC 4007 section 11): a zone has a meaning only on the host that uses it, and its text could
be anything. The environ is changed before anything else reads it, so limits, logs, cookies and the check of Origin need
not consider proxies.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..net.address import maybe_address

LOOPBACK = ("127.0.0.0/8", "::1/128")

# 192.0.2.7, 192.0.2.7:443, 2001:db8::7, [2001:db8::7] or [2001:db8::7]:443
ENTRY = re.compile(
    r"([0-9.]+)(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?"
)

PORT = "REMOTE_PORT"  # of the client, in the environ; absent if a proxy has forwarded the request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The trusted proxies: addresses, networks, and ``loopback`` for proxies on this host."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """Parse the entries. Raises ValueError for an entry that is none of these."""
        entries = [LOOPBACK if name == "loopback" else (name,) for name in trusted]
        self._networks = [_network(name) for names in entries for name in names]

    def correct(self, environ: dict[str, Any]) -> None:
        """Replace the proxy's address and scheme in ``environ`` by those of its client."""
        if not self._networks or not self.is_trusted(environ["REMOTE_ADDR"]):
            return
        address = _maybe_client(environ.get("HTTP_X_FORWARDED_FOR", ""))
        if address is not None:
            environ["REMOTE_ADDR"] = address
            del environ[PORT]  # the proxy's port; the client's is unknown
        scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme

    def is_trusted(self, peer: str) -> bool:
        """Return whether the address ``peer`` is one of these proxies."""
        address = maybe_address(peer)
        return address is not None and any(address in network for network in self._networks)


def is_forwarded(environ: Mapping[str, Any]) -> bool:
    """Return whether the address in ``environ`` was reported by a trusted proxy."""
    return PORT not in environ


def peer_of(environ: Mapping[str, Any]) -> str:
    """Return the client as ``127.0.0.1:5321`` or ``[::1]:5321``, or without a port if a proxy forwarded the request."""
    address, port = environ["REMOTE_ADDR"], environ.get(PORT)
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _maybe_client(header: str) -> str | None:
    """Return the address in the last entry of X-Forwarded-For, in its one form; None if that is no address."""
    entry = ENTRY.fullmatch(header.rpartition(",")[2].strip())
    address = None if entry is None else maybe_address(entry[1] or entry[2] or entry[3])
    return None if address is None else str(address)


def _network(text: str) -> Network:
    """Parse an address or a network. A network of IPv4-mapped addresses becomes that of the IPv4 addresses."""
    network = ipaddress.ip_network(text, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - 96))
