"""Sockets, TCP and UDP at a glance from net/sockstat, net/sockstat6 and net/snmp (metrics.md 8, the cheap path).

``inuse`` counts the sockets of this network namespace (LISTEN included, TIME_WAIT not) per family: the IPv4 file and
the IPv6 file are added up, a missing sockstat6 is a host without IPv6. ``orphan``, ``alloc`` and ``mem`` are
machine-wide. CurrEstab holds both families; since Linux 6.10 it includes CLOSE_WAIT, as RFC 4022 says. Kernel:
net/ipv4/proc.c, net/ipv6/proc.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import rates
from ..files import Files, KeptFile, ParseError, parser
from ..source import Now
from ..units import PAGE_BYTES
from .tcp_states import StatesScan, TcpStates


@dataclass(slots=True)
class Sockets:
    """Sockets of every kind."""

    used: int | None


@dataclass(slots=True)
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
    states: TcpStates | None = None  # dear: None while nobody wants them
    states_age_seconds: float | None = None
    states_truncated: bool = False  # there were too many to count them all


@dataclass(slots=True)
class Udp:
    """UDP of both families."""

    inuse: int | None
    memory_bytes: int | None


Sockstat = Mapping[bytes, Mapping[bytes, int]]  # b"TCP:" -> {b"inuse": 4, ...}, the kernel's words
PROTOCOLS = frozenset({b"sockets:", b"TCP:", b"UDP:", b"TCP6:", b"UDP6:"})
Counters = Mapping[bytes, int]
COUNTERS = (b"CurrEstab", b"RetransSegs", b"ActiveOpens", b"PassiveOpens")


@parser
def parse_sockstat(content: bytes) -> Sockstat:
    """``TCP: inuse 1 orphan 0 tw 1 alloc 1 mem 38``, a line per protocol: name and value in turn."""
    if b"-" in content:
        raise ParseError("negative number")
    values: dict[bytes, Mapping[bytes, int]] = {}
    for line in content.split(b"\n"):
        words = line.split()
        if words and words[0] in PROTOCOLS:
            values[words[0]] = dict(zip(words[1::2], map(int, words[2::2]), strict=False))
    if not values:
        raise ParseError("no protocol")
    return values


@parser
def parse_snmp(content: bytes) -> Counters:
    """What we use of the two ``Tcp:`` lines of net/snmp, names and values, matched by name."""
    start = 0 if content.startswith(b"Tcp:") else content.find(b"\nTcp:") + 1
    lines = content[start:].split(b"\n", 2)
    if len(lines) < 2 or lines[0][:4] != b"Tcp:" or lines[1][:4] != b"Tcp:":
        raise ParseError("no pair of Tcp lines")
    found = dict(zip(lines[0].split(), lines[1].split(), strict=False))
    counters = {name: int(found[name]) for name in COUNTERS if name in found}
    if counters and min(counters.values()) < 0:  # only MaxConn may be
        raise ParseError("negative number")
    return counters


def both(v4: Sockstat, v6: Sockstat, protocol: bytes) -> int | None:
    """``inuse`` of both families."""
    first = v4.get(protocol + b":", {}).get(b"inuse")
    second = v6.get(protocol + b"6:", {}).get(b"inuse")
    return None if first is None and second is None else (first or 0) + (second or 0)


def memory_bytes(sockstat: Mapping[bytes, int]) -> int | None:
    """sockstat counts memory in pages."""
    pages = sockstat.get(b"mem")
    return None if pages is None else pages * PAGE_BYTES


class _Sockstats:
    """The two files that all three sections read."""

    def __init__(self, files: Files) -> None:
        self._v4 = files.net("sockstat", parse_sockstat)
        self._v6 = files.net("sockstat6", parse_sockstat)

    def read(self, now: Now) -> tuple[Sockstat, Sockstat]:
        return self._v4.read(now), self._v6.maybe_read(now) or {}


class SocketsSource:
    """Section ``sockets``."""

    name = "sockets"

    def __init__(self, files: Files) -> None:
        self._sockstats = _Sockstats(files)

    def collect(self, now: Now) -> Sockets:
        """Raises OSError or ParseError where sockstat cannot be had."""
        return Sockets(self._sockstats.read(now)[0].get(b"sockets:", {}).get(b"used"))


class TcpSource:
    """Section ``tcp``."""

    name = "tcp"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._sockstats = _Sockstats(files)
        self._snmp: KeptFile[Counters] = files.net("snmp", parse_snmp)
        self._previous: rates.Previous[bytes, int] = rates.Previous()
        self._scan = StatesScan(files, timeout_seconds=timeout_seconds)

    def collect(self, now: Now) -> Tcp:
        """Raises OSError or ParseError where sockstat or snmp cannot be had."""
        v4, v6 = self._sockstats.read(now)
        counters = self._snmp.read(now)
        before, seconds = self._previous.exchange(counters, self._snmp.monotonic)

        def rate(name: bytes) -> float | None:
            counter = counters.get(name)
            return None if counter is None else rates.per_second(counter, before.get(name), seconds)

        tcp = v4.get(b"TCP:", {})
        states = self._scan.maybe_states(now) if self.name in now.wanted else None
        return Tcp(
            inuse=both(v4, v6, b"TCP"),
            time_wait=tcp.get(b"tw"),
            orphan=tcp.get(b"orphan"),
            alloc=tcp.get(b"alloc"),
            memory_bytes=memory_bytes(tcp),
            current_established=counters.get(b"CurrEstab"),
            retransmits_per_second=rate(b"RetransSegs"),
            active_opens_per_second=rate(b"ActiveOpens"),
            passive_opens_per_second=rate(b"PassiveOpens"),
            states=None if states is None else states.counts,
            states_age_seconds=None if states is None else states.age_seconds,
            states_truncated=states is not None and states.truncated,
        )

    def close(self) -> None:
        """Let the idle worker go."""
        self._scan.close()


class UdpSource:
    """Section ``udp``."""

    name = "udp"

    def __init__(self, files: Files) -> None:
        self._sockstats = _Sockstats(files)

    def collect(self, now: Now) -> Udp:
        """Raises OSError or ParseError where sockstat cannot be had."""
        v4, v6 = self._sockstats.read(now)
        return Udp(both(v4, v6, b"UDP"), memory_bytes(v4.get(b"UDP:", {})))
