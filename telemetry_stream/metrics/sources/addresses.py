"""The addresses of interfaces, by rtnetlink (man page rtnetlink(7), include/uapi/linux/if_addr.h).

/proc has no file of IPv4 addresses with their interfaces: fib_trie has the addresses only, and the whole routing table.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Mapping

from ..rtnetlink import attributes, dump, messages

RTM_NEWADDR, RTM_GETADDR = 20, 22
SCOPE_LINK, SCOPE_HOST = 253, 254
IFA_ADDRESS, IFA_LOCAL = 1, 2
MESSAGE = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix length, flags, scope, interface
# More than 5000 addresses.
MAX_BYTES = 512 * 1024
MAX_SHOWN = 8  # of an interface


def request_addresses() -> bytes:
    """Return the kernel's messages about all addresses. Raises OSError. Runs on a worker."""
    return dump(RTM_GETADDR, MESSAGE.pack(0, 0, 0, 0, 0), MAX_BYTES)


def parse(content: bytes) -> Mapping[int, str]:
    """Return the addresses with their prefix lengths by the index of the interface: ``192.0.2.7/24 2001:db8::7/64``.

    Those of the host itself (127.0.0.1) and the link-local ones of IPv6 are left out: every interface has them. What is
    not a message of this form is skipped.
    """
    found: dict[int, list[str]] = {}
    for kind, _, body in messages(content):
        if kind == RTM_NEWADDR and len(body) >= MESSAGE.size:
            family, prefix, _, scope, index = MESSAGE.unpack_from(body)
            values = attributes(body[MESSAGE.size :])
            # With a peer (PPP), IFA_ADDRESS is the peer's.
            raw = values.get(IFA_LOCAL) or values.get(IFA_ADDRESS, b"")
            is_link_local = scope == SCOPE_LINK and family == socket.AF_INET6
            is_address = len(raw) in (4, 16) and prefix <= 8 * len(raw)
            if is_address and scope != SCOPE_HOST and not is_link_local:
                found.setdefault(index, []).append(f"{ipaddress.ip_address(raw)}/{prefix}")
    return {index: _shown(addresses) for index, addresses in found.items()}


def _shown(addresses: list[str]) -> str:
    more = ["…"] if len(addresses) > MAX_SHOWN else []
    return " ".join([*addresses[:MAX_SHOWN], *more])
