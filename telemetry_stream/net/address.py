"""Peer addresses: their one form, the network that an address belongs to, loopback, and a limit per address.

A dual-stack socket reports an IPv4 peer as an IPv4-mapped IPv6 address, ``::ffff:192.0.2.7`` (RFC 4291 section
2.5.5.2), and so may a proxy. Everywhere in the program such an address is the IPv4 address.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def maybe_address(text: str) -> Address | None:
    """Parse an address; an IPv4-mapped one becomes the IPv4 address. Return None for any other text."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def canonical(text: str) -> str:
    """Return an address in its one form; any other text unchanged."""
    # The addresses of IPv4 sockets are in that form, and are by far the most frequent ones.
    return str(maybe_address(text) or text) if ":" in text else text


def network_of(address: str) -> str:
    """Return the network that is counted as one client: an IPv4 address itself, or the /64 of an IPv6 address.

    A site gets a /64 or more (RFC 6177), so one client can use every address of a /64. Text that is not an address is
    returned unchanged.
    """
    found = maybe_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Address(int(found) >> 64 << 64)) + "/64"
    return address if found is None else str(found)


def is_loopback(address: str) -> bool:
    """Return whether the peer is on this host. It may be a proxy or a tunnel that serves many clients."""
    found = maybe_address(address)
    return found is not None and found.is_loopback


class PerAddress:
    """A limit on how many connections, or viewers, one address may have at a time.

    Addresses for which ``is_exempt`` returns true have no limit. By default these are loopback addresses: a local
    process has other ways to harm the program, and a local reverse proxy or SSH tunnel serves many clients.

    Thread-safe. ``_lock`` guards ``_counts``.
    """

    def __init__(self, limit: int, is_exempt: Callable[[str], bool] = is_loopback) -> None:
        self.limit = limit
        self._is_exempt = is_exempt
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}  # by network, without those that have no connection

    def __repr__(self) -> str:
        return f"<PerAddress limit={self.limit} networks={len(self._counts)}>"

    def reserve(self, address: str) -> bool:
        """Reserve a slot for ``address``. Return False if its network has reached the limit."""
        if self._is_exempt(address):
            return True
        network = network_of(address)
        with self._lock:
            count = self._counts.get(network, 0)
            if count >= self.limit:
                return False
            self._counts[network] = count + 1
        return True

    def release(self, address: str) -> None:
        """Release a slot that ``reserve`` returned True for."""
        if self._is_exempt(address):
            return
        network = network_of(address)
        with self._lock:
            self._counts[network] -= 1
            if not self._counts[network]:
                del self._counts[network]
