"""Sockets, TCP and UDP from net/sockstat, net/sockstat6 and net/snmp (net/ipv4/proc.c, net/ipv6/proc.c).

``inuse`` counts the sockets of this network namespace per family, including listening ones, excluding TIME_WAIT. The
values of the IPv4 and the IPv6 file are added; without sockstat6, the host has no IPv6. ``orphan``, ``alloc`` and
``mem`` are of the whole machine. CurrEstab covers both families. Since Linux 6.10 it includes CLOSE_WAIT, as RFC 4022
defines it.

A sandbox may have one of the files and not the other (gVisor has no sockstat). Each file loses only its own fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..files import Files, KeptFile, ParseError, parser
from ..section import Field, Part, Section
from ..setup import Setup
from ..source import Now, Source
from ..units import PAGE_BYTES
from .tcp_states import StatesScan, TcpStates


@dataclass(slots=True)
class Sockets:
    """Sockets of every kind."""

    used: Annotated[int | None, "Sockets of every kind in this network namespace."]


@dataclass(slots=True)
class Tcp:
    """TCP over IPv4 and IPv6."""

    inuse: Annotated[
        int | None,
        Field(
            "Sockets of IPv4 and IPv6, including listening ones, excluding TIME_WAIT.",
            title="in use",
        ),
    ]
    time_wait: Annotated[
        int | None,
        "Connections that this side closed. The kernel keeps them for a minute, so that late segments do no harm.",
    ]
    orphan: Annotated[int | None, "Sockets that no program holds any more, of the whole machine."]
    alloc: Annotated[
        int | None, Field("Sockets that are allocated, of the whole machine.", title="allocated")
    ]
    memory_bytes: Annotated[int | None, "Memory of the buffers, of the whole machine."]
    current_established: Annotated[
        int | None,
        Field(
            "Open connections (CurrEstab). Since Linux 6.10 they include those in CLOSE_WAIT.",
            title="established",
        ),
    ]
    retransmits_per_second: Annotated[
        float | None,
        "Segments that were sent again, because no acknowledgement came. A few are normal on a long path.",
    ]
    active_opens_per_second: Annotated[
        float | None, Field("Connections opened from here.", title="opened")
    ]
    passive_opens_per_second: Annotated[
        float | None, Field("Connections accepted here.", title="accepted")
    ]
    states: Annotated[
        TcpStates | None,
        Part(
            text="Sockets of both families by state.",
            files="sock_diag(7), /proc/net/tcp, tcp6",
            prometheus="telemetry_stream_tcp_states",
            label="state",
            unit="sockets",
            nulls="Collected on demand: null while no viewer wants the section tcp, and until the first count is done.",
        ),
    ] = None
    states_age_seconds: Annotated[
        float | None, "Age of the counts by state; null without them."
    ] = None
    states_truncated: Annotated[
        bool, "True if there were more than 200 000 sockets, so not all were counted."
    ] = False


@dataclass(slots=True)
class Udp:
    """UDP over IPv4 and IPv6."""

    inuse: Annotated[int | None, Field("Sockets of IPv4 and IPv6.", title="in use")]
    memory_bytes: Annotated[int | None, "Memory of the buffers, of the whole machine."]


# b"TCP:" -> {b"inuse": 4, ...}, with the kernel's names. None: not a count.
Sockstat = Mapping[bytes, Mapping[bytes, int | None]]
PROTOCOLS = frozenset({b"sockets:", b"TCP:", b"UDP:", b"TCP6:", b"UDP6:"})
Counters = Mapping[bytes, int | None]
COUNTERS = (b"CurrEstab", b"RetransSegs", b"ActiveOpens", b"PassiveOpens")


@parser
def parse_sockstat(content: bytes) -> Sockstat:
    """Parse lines such as ``TCP: inuse 1 orphan 0 tw 1 alloc 1 mem 38``."""
    values: dict[bytes, Mapping[bytes, int | None]] = {}
    for line in content.split(b"\n"):
        words = line.split()
        if words and words[0] in PROTOCOLS:
            # The kernel holds them in an int. Some are sums without a lock, and may be below 0.
            numbers = [counters.maybe_count(word, counters.MOST_INT) for word in words[2::2]]
            values[words[0]] = dict(zip(words[1::2], numbers, strict=False))
    if not any(count is not None for counts in values.values() for count in counts.values()):
        raise ParseError("no count of a protocol")
    return values


@parser
def parse_snmp(content: bytes) -> Counters:
    """Return what we use of the two ``Tcp:`` lines of net/snmp, names and values. Columns are found by their names."""
    start = 0 if content.startswith(b"Tcp:") else content.find(b"\nTcp:") + 1
    lines = content[start:].split(b"\n", 2)
    if len(lines) < 2 or lines[0][:4] != b"Tcp:" or lines[1][:4] != b"Tcp:":
        raise ParseError("no pair of Tcp lines")
    found = dict(zip(lines[0].split(), lines[1].split(), strict=False))
    known = {name: counters.maybe_count(found[name]) for name in COUNTERS if name in found}
    if all(count is None for count in known.values()):
        raise ParseError("no count")
    return known


def both(v4: Sockstat, v6: Sockstat | None, protocol: bytes) -> int | None:
    """Return ``inuse`` of both families together, or None if one of them is unknown. Without IPv6, v6 is empty."""
    first = v4.get(protocol + b":", {}).get(b"inuse")
    if first is None or v6 is None:
        return None
    second = v6.get(protocol + b"6:", {}).get(b"inuse", 0)
    return None if second is None else first + second


def memory_bytes(sockstat: Mapping[bytes, int | None]) -> int | None:
    """Return ``mem``, which sockstat counts in pages, in bytes."""
    pages = sockstat.get(b"mem")
    return (
        None if pages is None else counters.at_most(pages * PAGE_BYTES, counters.MOST_MEMORY_BYTES)
    )


class _Sockstats:
    """The two files that all three sections read."""

    def __init__(self, files: Files) -> None:
        self._v4 = files.net("sockstat", parse_sockstat)
        self._v6 = files.net("sockstat6", parse_sockstat)

    def read(self, now: Now) -> tuple[Sockstat, Sockstat | None]:
        """Return both files. Raises OSError or ParseError without the first; the second is None if unreadable."""
        return self._v4.read(now), self._maybe_v6(now)

    def _maybe_v6(self, now: Now) -> Sockstat | None:
        v6 = self._v6.maybe_read(now)
        if v6 is None and isinstance(self._v6.error, FileNotFoundError):
            return {}  # The host has no IPv6.
        return v6


class SocketsSource:
    """Section ``sockets``."""

    name = "sockets"

    def __init__(self, files: Files) -> None:
        self._sockstats = _Sockstats(files)

    def collect(self, now: Now) -> Sockets:
        """Raises OSError or ParseError if sockstat is unavailable."""
        return Sockets(self._sockstats.read(now)[0].get(b"sockets:", {}).get(b"used"))


class TcpSource:
    """Section ``tcp``. Its part ``states`` is collected while the section is wanted."""

    name = "tcp"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._sockstats = _Sockstats(files)
        self._snmp: KeptFile[Counters] = files.net("snmp", parse_snmp)
        self._previous: rates.Previous[bytes, int | None] = rates.Previous()
        self._scan = StatesScan(files, timeout_seconds=timeout_seconds)

    def collect(self, now: Now) -> Tcp:
        """Raises OSError or ParseError if both sockstat and snmp are unavailable."""
        found = self._snmp.maybe_read(now)
        v4: Sockstat
        try:
            v4, v6 = self._sockstats.read(now)
        except (OSError, ParseError):
            if found is None:
                raise
            v4, v6 = {}, None
        if found is None:
            found = {}
        before, seconds = self._previous.exchange(found, self._snmp.monotonic)

        def rate(name: bytes) -> float | None:
            return rates.per_second(found.get(name), before.get(name), seconds)

        tcp = v4.get(b"TCP:", {})
        states = None
        if self.name in now.wanted:
            states = self._scan.maybe_states(now)
        else:
            self._scan.pause()
        return Tcp(
            inuse=both(v4, v6, b"TCP"),
            time_wait=tcp.get(b"tw"),
            orphan=tcp.get(b"orphan"),
            alloc=tcp.get(b"alloc"),
            memory_bytes=memory_bytes(tcp),
            current_established=counters.at_most(found.get(b"CurrEstab"), counters.MOST_INT),
            retransmits_per_second=rate(b"RetransSegs"),
            active_opens_per_second=rate(b"ActiveOpens"),
            passive_opens_per_second=rate(b"PassiveOpens"),
            states=None if states is None else states.counts,
            states_age_seconds=None if states is None else states.age_seconds,
            states_truncated=states is not None and states.truncated,
        )

    def close(self) -> None:
        """End the idle worker."""
        self._scan.close()


class UdpSource:
    """Section ``udp``."""

    name = "udp"

    def __init__(self, files: Files) -> None:
        self._sockstats = _Sockstats(files)

    def collect(self, now: Now) -> Udp:
        """Raises OSError or ParseError if sockstat is unavailable."""
        v4, v6 = self._sockstats.read(now)
        return Udp(both(v4, v6, b"UDP"), memory_bytes(v4.get(b"UDP:", {})))


SECTIONS = (
    Section(
        SocketsSource,
        Sockets,
        title="Sockets",
        text="Sockets of every kind in this network namespace.",
        files="/proc/net/sockstat",
        prometheus="telemetry_stream_sockets",
        unit="sockets",
    ),
    Section(
        TcpSource,
        Tcp,
        title="TCP",
        text="Sockets and connections of TCP, over IPv4 and IPv6 together.",
        files="/proc/net/sockstat, sockstat6, snmp",
        prometheus="telemetry_stream_tcp",
        unit="sockets",
        nulls="A field is null if the file that has it is missing. inuse needs both families.",
    ),
    Section(
        UdpSource,
        Udp,
        title="UDP",
        text="Sockets of UDP, over IPv4 and IPv6 together.",
        files="/proc/net/sockstat, sockstat6",
        prometheus="telemetry_stream_udp",
        unit="sockets",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    files = setup.files
    return (
        SocketsSource(files),
        TcpSource(files, timeout_seconds=setup.options.timeout_seconds),
        UdpSource(files),
    )
