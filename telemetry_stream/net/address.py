"""Addresses of peers: which belong together, which are this host's own, and how many of each there may be."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable


def network_of(address: str) -> str:
    """What one peer has for itself: an IPv4 address, or the /64 of an IPv6 one (RFC 6177 gives a site no less)."""
    if ":" not in address:
        return address
    try:
        whole = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(ipaddress.IPv6Address(int(whole) >> 64 << 64)) + "/64"


def is_loopback(address: str) -> bool:
    """Whether the peer is on this host: it may be a proxy or a tunnel, and stand for many."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class PerAddress:
    """So many at a time from one address, but for those that are exempt. By default that is who is on this host: they
    could do worse anyway, and a reverse proxy or an SSH tunnel comes from there.

    For any thread; the lock guards the counts.
    """

    def __init__(self, limit: int, is_exempt: Callable[[str], bool] = is_loopback) -> None:
        self.limit = limit
        self._is_exempt = is_exempt
        self._lock = threading.Lock()
        self._taken: dict[str, int] = {}

    def take(self, address: str) -> bool:
        """Take a place; False if this address has as many as it may have."""
        if self._is_exempt(address):
            return True
        key = network_of(address)
        with self._lock:
            taken = self._taken.get(key, 0)
            if taken >= self.limit:
                return False
            self._taken[key] = taken + 1
        return True

    def give_back(self, address: str) -> None:
        """Give back a place that was taken."""
        if self._is_exempt(address):
            return
        key = network_of(address)
        with self._lock:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
