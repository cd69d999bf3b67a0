"""Sockets, TCP and UDP from sockstat, sockstat6 and snmp."""

from __future__ import annotations

import threading

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
from telemetry_stream.metrics.sources.tcp_states import TcpStates
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
    """Return /proc/net/snmp with these numbers."""
    return SNMP.format(
        active=active, passive=passive, established=established, retransmitted=retransmitted
    )


def test_inuse_is_the_sum_of_both_families(tree: Tree) -> None:
    """The rest is of the whole machine and in the first file. Memory is in pages."""
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


def test_a_viewer_does_not_get_the_states_of_the_viewer_before(tree: Tree) -> None:
    """They may be hours old. After a short pause they are still current, and are not counted again."""
    tree.put("proc/net/snmp", snmp(1, 2, 5, 3))
    tree.put("proc/net/tcp", "  sl  local rem st\n   0: 00000000:1F90 00000000:0000 0A\n")
    source = TcpSource(tree.files, timeout_seconds=10.0)
    blocking = source._scan._blocking
    assert source.collect(tree.tick(wanted={"tcp"})).states is not None
    source.collect(tree.tick(0.1))
    source._scan._next_at = tree.monotonic + 0.5
    blocking._timeout_seconds = 0.0
    answered = threading.Event()
    scan = blocking._call
    blocking._call = lambda key: scan(key) if answered.wait(10.0) else pytest.fail("no end")
    assert source.collect(tree.tick(0.1, wanted={"tcp"})).states is not None
    source.collect(tree.tick(0.1))
    assert source.collect(tree.tick(3600.0, wanted={"tcp"})).states is None
    answered.set()
    blocking._timeout_seconds = 10.0
    assert source.collect(tree.tick(wanted={"tcp"})).states == TcpStates(listen=1)
    source.close()


def test_each_file_loses_only_its_own_fields(tree: Tree) -> None:
    """gVisor has no sockstat; other sandboxes have no snmp. Without both, the section fails."""
    tree.put("proc/net/snmp", snmp(1, 2, 5, 3))
    source = TcpSource(tree.files)
    found = source.collect(tree.tick())
    assert (found.current_established, found.inuse, found.memory_bytes) == (5, None, None)
    tree.put("proc/net/sockstat", SOCKSTAT)
    tree.put("proc/net/snmp", "gibberish\n")
    found = source.collect(tree.tick())
    assert (found.current_established, found.retransmits_per_second) == (None, None)
    assert found.inuse is not None
    tree.put("proc/net/sockstat", "gibberish\n")
    with pytest.raises(ParseError):
        source.collect(tree.tick())


# net/ipv4/proc.c: sums over cores without a lock; CurrEstab is unsigned long, inuse an int.
@pytest.mark.parametrize("word", ["-1", "4294967295", "18446744073709551615", "x"])
def test_a_sum_below_0_loses_only_its_field(tree: Tree, word: str) -> None:
    """The other fields of the files are known."""
    tree.put("proc/net/sockstat", f"sockets: used {word}\nTCP: inuse {word} tw 3 mem 4\n")
    tree.put("proc/net/snmp", f"Tcp: CurrEstab RetransSegs\nTcp: {word} 7\n")
    source = TcpSource(tree.files)
    found = source.collect(tree.tick())
    assert (found.inuse, found.current_established, found.time_wait) == (None, None, 3)
    assert source.collect(tree.tick()).retransmits_per_second == 0.0


def test_a_family_that_cannot_be_read_makes_the_sum_unknown(tree: Tree) -> None:
    """Only a missing sockstat6 means that the host has no IPv6."""
    tree.put("proc/net/sockstat", SOCKSTAT)
    tree.put("proc/net/sockstat6", "gibberish\n")
    assert UdpSource(tree.files).collect(tree.tick()).inuse is None


def test_without_sockstat6_the_host_has_no_ipv6(tree: Tree) -> None:
    """The sum is that of IPv4."""
    tree.put("proc/net/sockstat", SOCKSTAT)
    assert UdpSource(tree.files).collect(tree.tick()) == Udp(4, 2 * PAGE_BYTES)


def test_columns_of_snmp_are_found_by_name() -> None:
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
def test_invalid_snmp_is_a_parse_error(content: bytes) -> None:
    """No pair of lines, or no counts."""
    with pytest.raises(ParseError):
        tcp.parse_snmp(content)


@pytest.mark.parametrize(
    "content", [b"", b"TCP: inuse x\n", b"TCP: inuse -1\n", b"nothing known\n"]
)
def test_invalid_sockstat_is_a_parse_error(content: bytes) -> None:
    """Not a count, or none at all."""
    with pytest.raises(ParseError):
        tcp.parse_sockstat(content)


@given(odd(SOCKSTAT, SOCKSTAT6))
def test_any_sockstat_is_parsed_or_a_parse_error(content: bytes) -> None:
    """No count is negative or impossible."""
    try:
        values = tcp.parse_sockstat(content)
    except ParseError:
        return
    assert_sane(values)


@given(odd(snmp(1, 2, 3, 4).encode()))
def test_any_snmp_is_parsed_or_a_parse_error(content: bytes) -> None:
    """No count is negative or impossible."""
    try:
        assert_sane(tcp.parse_snmp(content))
    except ParseError:
        pass
