"""Sockets, TCP and UDP at a glance from net/sockstat, net/sockstat6 and net/snmp (metrics.md 8, the
cheap path).

``inuse`` counts the sockets of this network namespace (LISTEN included, TIME_WAIT not) per family:
the IPv4 file and the IPv6 file are added up, a missing sockstat6 is a host without IPv6.
``orphan``, ``alloc`` and ``mem`` are machine-wide. CurrEstab holds both families; since Linux 6.10
it includes CLOSE_WAIT, as RFC 4022 says. Kernel: net/ipv4/proc.c, net/ipv6/proc.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import rates
from ..clock import Now
from ..files import Files, KeptFile, ParseError, parser
from ..units import PAGE_BYTES


@dataclass(frozen=True, slots=True)
class Sockets:
    """Sockets of every kind."""

    used: int | None


@dataclass(frozen=True, slots=True)
class Tcp:
    """TCP of both families; the rates are None on the first sample."""

    inuse: int | None
    time_wait: int | None
    orphan: int | None
    alloc: int | None
    memory_bytes: int | None
    current_established: int | None
    retransmits_per_second: float | None
    active_opens_per_second: float | None
    passive_opens_per_second: float | None


@dataclass(frozen=True, slots=True)
class Udp:
    """UDP of both families."""

    inuse: int | None
    memory_bytes: int | None


Sockstat = Mapping[str, int]  # "TCP inuse" -> 4: protocol and name as the kernel writes them
Counters = Mapping[str, int]


@parser
def parse_sockstat(content: bytes) -> Sockstat:
    """``TCP: inuse 1 orphan 0 tw 1 alloc 1 mem 38``, a line per protocol: name and value in
    turn.
    """
    values: dict[str, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        protocol, colon, rest = line.partition(b":")
        if not colon:
            continue
        words = rest.split()
        prefix = protocol.decode("ascii", "replace") + " "
        for name, value in zip(words[::2], words[1::2], strict=False):
            if not value.isdigit():
                raise ParseError("not a count", line=number)
            values[prefix + name.decode("ascii", "replace")] = int(value)
    return values


@parser
def parse_snmp(content: bytes) -> Counters:
    """The two ``Tcp:`` lines of net/snmp, names and values, matched by name. MaxConn may be -1, the
    rest are counters.
    """
    start = content.find(b"\nTcp:") + 1
    lines = content[start:].split(b"\n", 2)
    if len(lines) < 2 or lines[0][:4] != b"Tcp:" or lines[1][:4] != b"Tcp:":
        raise ParseError("no pair of Tcp lines")
    names, values = lines[0].split()[1:], lines[1].split()[1:]
    return {
        name.decode("ascii", "replace"): int(value)
        for name, value in zip(names, values, strict=False)
        if value.isdigit()
    }


def both(sockstat: Sockstat, sockstat6: Sockstat, protocol: str) -> int | None:
    """``inuse`` of both families."""
    v4, v6 = sockstat.get(f"{protocol} inuse"), sockstat6.get(f"{protocol}6 inuse")
    return None if v4 is None and v6 is None else (v4 or 0) + (v6 or 0)


def pages_to_bytes(pages: int | None) -> int | None:
    """sockstat counts memory in pages."""
    return None if pages is None else pages * PAGE_BYTES


class _Sockstats:
    """The two files that all three sections read."""

    def __init__(self, files: Files) -> None:
        self._v4 = files.proc("net/sockstat", parse_sockstat)
        self._v6 = files.proc("net/sockstat6", parse_sockstat)

    def read(self, now: Now) -> tuple[Sockstat, Sockstat]:
        return self._v4.read(now), self._v6.maybe_read(now) or {}


class SocketsSource:
    """Section ``sockets``."""

    name = "sockets"

    def __init__(self, files: Files) -> None:
        self._sockstats = _Sockstats(files)

    def collect(self, now: Now) -> Sockets:
        """Raises OSError or ParseError where sockstat cannot be had."""
        return Sockets(self._sockstats.read(now)[0].get("sockets used"))


class TcpSource:
    """Section ``tcp``."""

    name = "tcp"

    def __init__(self, files: Files) -> None:
        self._sockstats = _Sockstats(files)
        self._snmp: KeptFile[Counters] = files.proc("net/snmp", parse_snmp)
        self._previous: rates.Previous[str, int] = rates.Previous()

    def collect(self, now: Now) -> Tcp:
        """Raises OSError or ParseError where sockstat or snmp cannot be had."""
        v4, v6 = self._sockstats.read(now)
        counters = self._snmp.read(now)
        before, seconds = self._previous.exchange(counters, self._snmp.monotonic)

        def rate(name: str) -> float | None:
            counter = counters.get(name)
            return None if counter is None else rates.per_second(counter, before.get(name), seconds)

        return Tcp(
            inuse=both(v4, v6, "TCP"),
            time_wait=v4.get("TCP tw"),
            orphan=v4.get("TCP orphan"),
            alloc=v4.get("TCP alloc"),
            memory_bytes=pages_to_bytes(v4.get("TCP mem")),
            current_established=counters.get("CurrEstab"),
            retransmits_per_second=rate("RetransSegs"),
            active_opens_per_second=rate("ActiveOpens"),
            passive_opens_per_second=rate("PassiveOpens"),
        )


class UdpSource:
    """Section ``udp``."""

    name = "udp"

    def __init__(self, files: Files) -> None:
        self._sockstats = _Sockstats(files)

    def collect(self, now: Now) -> Udp:
        """Raises OSError or ParseError where sockstat cannot be had."""
        v4, v6 = self._sockstats.read(now)
        return Udp(both(v4, v6, "UDP"), pages_to_bytes(v4.get("UDP mem")))
