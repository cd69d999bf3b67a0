"""Dumps of rtnetlink (man pages netlink(7), rtnetlink(7)): all objects of one kind, such as links or addresses.

A request takes the rtnl lock, which a busy driver may hold for long, so it is made on a worker. It answers for the
network namespace of this program.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_DUMP_INTR = 0x10
NLM_F_REQUEST_DUMP = 0x301
HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
RECEIVE_BYTES = 64 * 1024
TIMEOUT_SECONDS = 5.0


def dump(kind: int, body: bytes, max_bytes: int) -> bytes:
    """Return the kernel's messages that answer a request of this kind. Raises OSError. Runs on a worker.

    A dump of more than ``max_bytes`` is cut after the buffer that exceeds them.
    """
    socket_type = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, socket_type, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(TIMEOUT_SECONDS)
        size = HEADER.size + len(body)
        netlink.send(HEADER.pack(size, kind, NLM_F_REQUEST_DUMP, 1, 0) + body)
        parts: list[bytes] = []
        is_complete = False
        # Closing the socket ends the dump.
        while not is_complete and sum(map(len, parts)) < max_bytes:
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


def messages(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the type, the flags and the body of each message. What is not a message is skipped."""
    offset = 0
    while offset + HEADER.size <= len(content):
        length, kind, flags, *_ = HEADER.unpack_from(content, offset)
        yield kind, flags, content[offset + HEADER.size : offset + length]
        offset += max(HEADER.size, (length + 3) & ~3)


def attributes(content: bytes) -> dict[int, bytes]:
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
