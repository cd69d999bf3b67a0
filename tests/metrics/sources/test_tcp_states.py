"""TCP sockets by state, from netlink and from /proc/net/tcp."""

from __future__ import annotations

import errno
import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.files import Files
from telemetry_stream.metrics.source import Clock, Now
from telemetry_stream.metrics.sources import tcp_states
from telemetry_stream.metrics.sources.tcp_states import (
    NLMSG_DONE,
    NLMSG_ERROR,
    TCPDIAG_GETSOCK,
    StatesScan,
    Tally,
    TcpStates,
    scan_netlink,
    scan_proc,
    tally_netlink,
    tally_proc,
)
from tests.metrics.trees import Tree, assert_sane, odd

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = HEAD + "".join(
    f"{number:4}: 0100007F:1F90 0100007F:{number:04X} {state} 00000000:00000000 00:00000000 00000000     0        0 1\n"
    for number, state in enumerate(
        [
            "01",
            "01",
            "02",
            "03",
            "04",
            "05",
            "06",
            "06",
            "06",
            "07",
            "08",
            "09",
            "0A",
            "0B",
            "0C",
            "0D",
        ]
    )
)
TCP6 = (
    HEAD
    + "   0: 00000000000000000000000000000001:1F90 00000000000000000000000000000000:0000 0A 0 0 0\n"
)
COUNTED = TcpStates(
    established=2, syn_sent=1, syn_recv=2, fin_wait1=1, fin_wait2=1, time_wait=3, close=1,
    close_wait=1, last_ack=1, listen=1, closing=1, other=1,
)  # fmt: skip


def test_every_code() -> None:
    """0C is a syn_recv, too; 0D is nobody's and no error."""
    tally = Tally()
    tally_proc(TCP.encode(), tally)
    assert tally.states() == COUNTED


def test_both_files(tree: Tree) -> None:
    """IPv4 clients of a dual-stack listener are in tcp6 only; a missing tcp6 is a host without IPv6."""
    tree.put("proc/net/tcp", TCP)
    paths = f"{tree.proc}/net/tcp", f"{tree.proc}/net/tcp6"
    assert scan_proc(paths).states() == COUNTED
    tree.put("proc/net/tcp6", TCP6)
    assert scan_proc(paths).states().listen == 2


def test_no_tcp_at_all(tree: Tree) -> None:
    """Then there is no answer, and not one full of zeroes."""
    with pytest.raises(FileNotFoundError):
        scan_proc((f"{tree.proc}/net/tcp", f"{tree.proc}/net/tcp6"))


def test_too_many_to_count(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan stops, and says so."""
    monkeypatch.setattr(tcp_states, "MOST_ROWS", 10)
    tree.put("proc/net/tcp", TCP)
    assert scan_proc((f"{tree.proc}/net/tcp", "")).truncated


def message(state: int, *, kind: int = TCPDIAG_GETSOCK, length: int = 88) -> bytes:
    """One netlink message: header, family, state."""
    return struct.pack("=IHHII", length, kind, 2, 1, 0) + bytes([2, state]) + bytes(length - 18)


@pytest.mark.parametrize(
    "lengths", [[88] * 6, [96, 124, 96, 96, 124, 124], [88, 88, 88, 88, 88, 90]]
)
def test_netlink_messages(lengths: list[int]) -> None:
    """A buffer whose messages are alike is counted in columns, others one by one (padded to four bytes)."""
    states = [1, 1, 6, 10, 12, 13]
    buffer = b"".join(
        message(state, length=length).ljust((length + 3) & ~3, b"\0")
        for state, length in zip(states, lengths, strict=True)
    )
    tally = Tally()
    assert not tally_netlink(buffer, tally)
    assert tally.states() == TcpStates(established=2, time_wait=1, listen=1, syn_recv=1, other=1)


def test_the_end_of_a_dump() -> None:
    """Done ends it; what comes before it is counted; other kinds are not sockets."""
    tally = Tally()
    assert tally_netlink(
        message(1) + message(1, kind=99) + message(0, kind=NLMSG_DONE, length=20), tally
    )
    assert tally.rows == 1


def test_a_refusal_is_an_os_error() -> None:
    """With the kernel's number."""
    refusal = struct.pack("=IHHIIi", 20, NLMSG_ERROR, 0, 1, 0, -errno.ENOENT)
    with pytest.raises(FileNotFoundError):
        tally_netlink(refusal, Tally())


@pytest.mark.parametrize("number", [b"", b"\x80", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f"])
def test_a_refusal_without_a_number_is_an_os_error_too(number: bytes) -> None:
    """Cut off in the number, or with one that no error has."""
    with pytest.raises(OSError, match=r"\[Errno \d+\]"):
        tally_netlink(struct.pack("=IHHII", 20, NLMSG_ERROR, 0, 1, 0) + number, Tally())


@given(
    odd(message(1) + message(6, length=96))
    | st.lists(st.integers(0, 255)).map(lambda states: b"".join(map(message, states)))
)
def test_any_bytes_of_netlink(content: bytes) -> None:
    """Any bytes are counted or refused as an OSError, and never counted twice."""
    tally = Tally()
    try:
        tally_netlink(content, tally)
    except OSError:
        return
    assert_sane(tally.states())
    assert sum(tally.codes) == tally.rows <= len(content) // 16


@given(odd(TCP.encode()))
def test_any_bytes_of_proc(content: bytes) -> None:
    """Any bytes give counts."""
    tally = Tally()
    tally_proc(content, tally)
    assert_sane(tally.states())
    assert sum(tally.codes) == tally.rows


def test_netlink_on_this_system_agrees_with_the_file() -> None:
    """A listener and both ends of a connection of ours are in both."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            for states in (
                scan_netlink().states(),
                scan_proc(("/proc/net/tcp", "/proc/net/tcp6")).states(),
            ):
                assert states.listen >= 1
                assert states.established >= 2
            assert client.getsockname()


def test_a_scan_rests_as_long_as_it_costs(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.2 ms and less: each tick; more: after 2 s, 5 s, 10 s, 30 s; the age says how old the counts are."""
    tree.put("proc/net/tcp", TCP)
    scan = StatesScan(tree.files, timeout_seconds=10.0)
    scans: list[float] = []
    cost = 0.0

    def take(_paths: tuple[str, str]) -> Tally:
        scans.append(tree.monotonic)
        tree.monotonic += cost
        return Tally()

    monkeypatch.setattr(tcp_states, "scan_proc", take)

    def rests(seconds: float) -> float:
        nonlocal cost
        cost = seconds
        scan.maybe_states(tree.tick(60.0))  # one scan at this cost
        count = len(scans)
        waited = 0.0
        while len(scans) == count:
            waited += 1.0
            scan.maybe_states(tree.tick(1.0))
        return waited

    assert [rests(seconds) for seconds in (0.0002, 0.02, 0.05, 0.3, 2.0)] == [
        1.0,
        2.0,
        5.0,
        10.0,
        30.0,
    ]
    answer = scan.maybe_states(tree.tick(7.0))
    scan.close()
    assert answer is not None
    assert answer.age_seconds == 7.0


def test_netlink_that_is_forbidden_gives_way_to_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seccomp filter or an old kernel: asked once, then the file it is."""
    asked = []

    def forbid() -> Tally:
        asked.append(1)
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(tcp_states, "scan_netlink", forbid)
    clock = Clock()
    scan = StatesScan(Files("/proc", "/sys", clock), timeout_seconds=10.0)
    for tick in range(3):
        assert scan.maybe_states(Now(tick, clock.monotonic(), 0.0, 0.0)) is not None
    scan.close()
    assert asked == [1]


def test_another_hosts_proc_is_never_asked_by_netlink(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Netlink speaks of our own network namespace: the tree's file is read."""
    monkeypatch.setattr(tcp_states, "scan_netlink", lambda: pytest.fail("asked"))
    tree.put("proc/net/tcp", TCP)
    scan = StatesScan(tree.files, timeout_seconds=10.0)
    answer = scan.maybe_states(tree.tick())
    scan.close()
    assert answer is not None
    assert answer.counts == COUNTED


def test_a_scan_never_delays_the_tick(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first one runs there is no answer yet, and nobody waits for it."""
    gate = threading.Event()

    def hang(_paths: tuple[str, str]) -> Tally:
        gate.wait(30)
        return Tally()

    monkeypatch.setattr(tcp_states, "scan_proc", hang)
    scan = StatesScan(tree.files)
    assert scan.maybe_states(tree.tick()) is None
    assert scan.maybe_states(tree.tick()) is None
    gate.set()
    scan.close()


def test_no_states_to_be_had(tree: Tree, caplog: pytest.LogCaptureFixture) -> None:
    """Neither way: none are said, the log has one line, and the section tcp stands."""
    scan = StatesScan(tree.files, timeout_seconds=10.0)
    for _ in range(3):
        assert scan.maybe_states(tree.tick()) is None
    scan.close()
    assert len(caplog.records) == 1
