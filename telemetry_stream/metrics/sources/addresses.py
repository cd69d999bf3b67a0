"""The addresses of interfaces, by rtnetlink (man page rtnetlink(7), include/uapi/linux/if_addr.h).

/proc has no file of IPv4 addresses with their interfaces: fib_trie has the addresses only, and the whole routing table.
A request takes the rtnl lock, which a busy driver may hold for long, so it is made on a worker. It answers for the
network namespace of this program.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Mapping

RTM_NEWADDR, RTM_GETADDR = 20, 22
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST_DUMP = 0x301
SCOPE_LINK, SCOPE_HOST = 253, 254
IFA_ADDRESS, IFA_LOCAL = 1, 2
HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
MESSAGE = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix length, flags, scope, interface
ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
RECEIVE_BYTES = 64 * 1024
# More than 5000 addresses.
MAX_BYTES = 512 * 1024
TIMEOUT_SECONDS = 5.0
MAX_SHOWN = 8  # of an interface


def request_addresses() -> bytes:
    """Return the kernel's messages about all addresses. Raises OSError. Runs on a worker."""
    size = HEADER.size + MESSAGE.size
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(TIMEOUT_SECONDS)
        netlink.send(
            HEADER.pack(size, RTM_GETADDR, NLM_F_REQUEST_DUMP, 1, 0) + MESSAGE.pack(0, 0, 0, 0, 0)
        )
        parts: list[bytes] = []
        is_complete = False
        while (
            not is_complete and sum(map(len, parts)) < MAX_BYTES
        ):  # closing the socket ends the dump
            parts.append(netlink.recv(RECEIVE_BYTES))
            is_complete = ends_dump(parts[-1])
    return b"".join(parts)


def ends_dump(content: bytes) -> bool:
    """Return whether the last of these messages ends the dump.

    Raises OSError for an error of the kernel, and if the messages are not complete.
    """
    offset, kind = 0, 0
    while offset + HEADER.size <= len(content):
        length, kind, *_ = HEADER.unpack_from(content, offset)
        if length < HEADER.size:
            break
        if kind == NLMSG_ERROR:
            body = content[offset + HEADER.size :]
            code = -int.from_bytes(body[:4], sys.byteorder, signed=True) & 0xFFF  # MAX_ERRNO
            raise OSError(code, os.strerror(code))
        offset += (length + 3) & ~3
    if offset < len(content):
        raise OSError(errno.EBADMSG, "a netlink message that is too short")
    return kind == NLMSG_DONE


def parse(content: bytes) -> Mapping[int, str]:
    """Return the addresses with their prefix lengths by the index of the interface: ``192.0.2.7/24 2001:db8::7/64``.

    Those of the host itself (127.0.0.1) and the link-local ones of IPv6 are left out: every interface has them. What is
    not a message of this form is skipped.
    """
    found: dict[int, list[str]] = {}
    offset = 0
    while offset + HEADER.size <= len(content):
        length, kind, *_ = HEADER.unpack_from(content, offset)
        body = content[offset + HEADER.size : offset + length]
        if kind == RTM_NEWADDR and len(body) >= MESSAGE.size:
            family, prefix, _, scope, index = MESSAGE.unpack_from(body)
            values = _attributes(body[MESSAGE.size :])
            # With a peer (PPP), IFA_ADDRESS is the peer's.
            raw = values.get(IFA_LOCAL) or values.get(IFA_ADDRESS, b"")
            is_link_local = scope == SCOPE_LINK and family == socket.AF_INET6
            if scope != SCOPE_HOST and not is_link_local and len(raw) in (4, 16):
                found.setdefault(index, []).append(f"{ipaddress.ip_address(raw)}/{prefix}")
        offset += max(HEADER.size, (length + 3) & ~3)
    return {index: _shown(addresses) for index, addresses in found.items()}


def _attributes(content: bytes) -> dict[int, bytes]:
    """Return the attributes of a message by type, as far as they are complete."""
    values: dict[int, bytes] = {}
    offset = 0
    while offset + ATTRIBUTE.size <= len(content):
        length, kind = ATTRIBUTE.unpack_from(content, offset)
        if length < ATTRIBUTE.size or offset + length > len(content):
            break
        values[kind] = content[offset + ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return values


def _shown(addresses: list[str]) -> str:
    more = ["…"] if len(addresses) > MAX_SHOWN else []
    return " ".join([*addresses[:MAX_SHOWN], *more])
