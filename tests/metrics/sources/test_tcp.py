"""Sockets, TCP and UDP from sockstat, sockstat6 and snmp."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources import tcp
from telemetry_stream.metrics.sources.tcp import (
    Sockets,
    SocketsSource,
    Tcp,
    TcpSource,
    Udp,
    UdpSource,
)
from telemetry_stream.metrics.units import PAGE_BYTES
from tests.metrics.trees import Tree, assert_sane, odd

SOCKSTAT = b"""sockets: used 290
TCP: inuse 10 orphan 1 tw 7 alloc 12 mem 3
UDP: inuse 4 mem 2
UDPLITE: inuse 0
RAW: inuse 0
FRAG: inuse 0 memory 0
"""
SOCKSTAT6 = (
    b"TCP6: inuse 5\nUDP6: inuse 3\nUDPLITE6: inuse 0\nRAW6: inuse 1\nFRAG6: inuse 0 memory 0\n"
)
SNMP = """Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens CurrEstab RetransSegs
Tcp: 1 200 120000 -1 {active} {passive} {established} {retransmitted}
Udp: InDatagrams
Udp: 31
"""


def snmp(active: int, passive: int, established: int, retransmitted: int) -> str:
    """/proc/net/snmp with these numbers."""
    return SNMP.format(
        active=active, passive=passive, established=established, retransmitted=retransmitted
    )


def test_both_families(tree: Tree) -> None:
    """inuse is the sum over both files; the rest is machine-wide and in the first; memory is in pages."""
    tree.put("proc/net/sockstat", SOCKSTAT)
    tree.put("proc/net/sockstat6", SOCKSTAT6)
    tree.put("proc/net/snmp", snmp(100, 200, 9, 50))
    now = tree.tick()
    source = TcpSource(tree.files)
    assert SocketsSource(tree.files).collect(now) == Sockets(290)
    assert UdpSource(tree.files).collect(now) == Udp(7, 2 * PAGE_BYTES)
    assert source.collect(now) == Tcp(15, 7, 1, 12, 3 * PAGE_BYTES, 9, None, None, None)
    tree.put("proc/net/snmp", snmp(105, 210, 8, 51))
    # 5, 10 and 1 more in 2 s
    second = source.collect(tree.tick(2.0))
    assert second == Tcp(15, 7, 1, 12, 3 * PAGE_BYTES, 8, 0.5, 2.5, 5.0)
    tree.put("proc/net/snmp", snmp(1, 211, 8, 51))
    third = source.collect(tree.tick())
    assert (third.active_opens_per_second, third.passive_opens_per_second) == (None, 1.0)


def test_without_ipv6(tree: Tree) -> None:
    """No sockstat6 is a host without IPv6: the sum is IPv4's."""
    tree.put("proc/net/sockstat", SOCKSTAT)
    assert UdpSource(tree.files).collect(tree.tick()) == Udp(4, 2 * PAGE_BYTES)


def test_snmp_names_decide_not_columns() -> None:
    """Newer kernels add names in between."""
    content = b"Tcp: RetransSegs Novel CurrEstab\nTcp: 7 8 9\n"
    assert tcp.parse_snmp(content) == {b"RetransSegs": 7, b"CurrEstab": 9}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Tcp: A B\n",
        b"Udp: A\nUdp: 1\n",
        b"Tcp: CurrEstab\nTcp: x\n",
        b"Tcp: CurrEstab\nTcp: -4\n",
    ],
)
def test_snmp_that_makes_no_sense(content: bytes) -> None:
    """No pair of lines, or no counts."""
    with pytest.raises(ParseError):
        tcp.parse_snmp(content)


@pytest.mark.parametrize(
    "content", [b"", b"TCP: inuse x\n", b"TCP: inuse -1\n", b"nothing known\n"]
)
def test_sockstat_that_makes_no_sense(content: bytes) -> None:
    """Not a count, or none at all."""
    with pytest.raises(ParseError):
        tcp.parse_sockstat(content)


@given(odd(SOCKSTAT, SOCKSTAT6))
def test_any_sockstat(content: bytes) -> None:
    """Any bytes give counts or the one parse error."""
    try:
        values = tcp.parse_sockstat(content)
    except ParseError:
        return
    assert_sane(values)


@given(odd(snmp(1, 2, 3, 4).encode()))
def test_any_snmp(content: bytes) -> None:
    """Any bytes give counts or the one parse error."""
    try:
        assert_sane(tcp.parse_snmp(content))
    except ParseError:
        pass
