"""Sockets in use, from /proc/net/sockstat and sockstat6, and the queues of UDP (collectors sockstat and udp_queues).

    sockets: used 34
    TCP: inuse 6 orphan 0 tw 205 alloc 6 mem 293

``mem`` is in pages. The queues are the sums over all sockets of /proc/net/udp and udp6:

      sl  local_address rem_address   st tx_queue rx_queue tr tm->when ...
    1234: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 ...
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..exposition import Family, labels, single
from .host import Host, maybe_number

QUEUES = 4  # the column with both


def collect(host: Host) -> Iterator[Family]:
    """Yield the families of the protocols that the kernel has. Raises OSError without sockstat."""
    yield from protocols(host.net("sockstat"))
    try:
        six = host.net("sockstat6")
    except FileNotFoundError:  # without IPv6
        return
    yield from protocols(six)


def protocols(content: bytes) -> Iterator[Family]:
    """Yield a family for each number of a file."""
    for line in content.decode("ascii", "replace").splitlines():
        protocol, _, rest = line.partition(":")
        words = rest.split()
        for name, value in zip(words[::2], words[1::2], strict=False):
            number = maybe_number(value)
            if (protocol, name) == ("sockets", "used"):
                yield _family("sockets_used", "Number of IPv4 sockets in use.", number)
                continue
            text = f"Number of {protocol} sockets in state {{}}."
            yield _family(f"{protocol}_{name}", text.format(name), number)
            if name == "mem" and number is not None:
                size = number * os.sysconf("SC_PAGE_SIZE")
                yield _family(f"{protocol}_mem_bytes", text.format("mem_bytes"), size)


def _family(name: str, text: str, value: int | None) -> Family:
    return single(f"node_sockstat_{name}", "gauge", text, value)


def collect_udp_queues(host: Host) -> Iterator[Family]:
    """Yield node_udp_queues. Raises OSError without IPv4."""
    rows: list[tuple[str, float | None]] = []
    for version, name in (("v4", "udp"), ("v6", "udp6")):
        try:
            sums = queues(host.net(name))
        except FileNotFoundError:
            if version == "v4":
                raise
            continue
        for queue, size in zip(("tx", "rx"), sums, strict=True):
            rows.append((labels({"ip": version, "queue": queue}), size))
    text = "Number of allocated memory in the kernel for UDP datagrams in bytes."
    yield Family("node_udp_queues", "gauge", text, rows)


def queues(content: bytes) -> tuple[int, int]:
    """Return the bytes that wait to be sent, and to be read."""
    sent = received = 0
    for line in content.split(b"\n")[1:]:
        words = line.split(None, QUEUES + 1)
        if len(words) > QUEUES:
            tx, _, rx = words[QUEUES].partition(b":")
            sent += maybe_number(tx, 16) or 0
            received += maybe_number(rx, 16) or 0
    return sent, received
