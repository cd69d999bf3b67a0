"""Peer addresses: the network that an address belongs to, loopback, and a limit on connections per address."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable


def network_of(address: str) -> str:
    """Return the network that is counted as one client: an IPv4 address itself, or the /64 of an IPv6 address.

    A site gets a /64 or more (RFC 6177), so one client can use every address of a /64. Text that is not an IPv6
    address is returned unchanged.
    """
    if ":" not in address:
        return address
    try:
        whole = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(ipaddress.IPv6Address(int(whole) >> 64 << 64)) + "/64"


def is_loopback(address: str) -> bool:
    """Return whether the peer is on this host. It may be a proxy or a tunnel that serves many clients."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


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
