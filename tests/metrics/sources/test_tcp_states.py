"""TCP sockets by state, from netlink and from /proc/net/tcp."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
import time

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


def test_every_code_has_its_state() -> None:
    """0C is a syn_recv, too. 0D is unknown, which is no error."""
    tally = Tally()
    tally_proc(TCP.encode(), tally)
    assert tally.states() == COUNTED


def test_the_counts_of_both_files_are_added(tree: Tree) -> None:
    """IPv4 clients of a dual-stack listener are only in tcp6. Without tcp6, the host has no IPv6."""
    tree.put("proc/net/tcp", TCP)
    paths = f"{tree.proc}/net/tcp", f"{tree.proc}/net/tcp6"
    assert scan_proc(paths).states() == COUNTED
    tree.put("proc/net/tcp6", TCP6)
    assert scan_proc(paths).states().listen == 2


def test_without_the_file_of_tcp_there_are_no_counts(tree: Tree) -> None:
    """An error, not zeros."""
    with pytest.raises(FileNotFoundError):
        scan_proc((f"{tree.proc}/net/tcp", f"{tree.proc}/net/tcp6"))


def test_a_scan_of_too_many_sockets_is_truncated(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends early, and is marked."""
    monkeypatch.setattr(tcp_states, "MAX_ROWS", 10)  # instead of 200 000
    tree.put("proc/net/tcp", TCP)
    assert scan_proc((f"{tree.proc}/net/tcp", "")).truncated


def message(state: int, *, kind: int = TCPDIAG_GETSOCK, length: int = 88) -> bytes:
    """Return one netlink message: header, family, state."""
    return struct.pack("=IHHII", length, kind, 2, 1, 0) + bytes([2, state]) + bytes(length - 18)


@pytest.mark.parametrize(
    "lengths", [[88] * 6, [96, 124, 96, 96, 124, 124], [88, 88, 88, 88, 88, 90]]
)
def test_netlink_messages_are_counted(lengths: list[int]) -> None:
    """In columns if all messages of the buffer have the same length, else one by one (padded to four bytes)."""
    states = [1, 1, 6, 10, 12, 13]
    buffer = b"".join(
        message(state, length=length).ljust((length + 3) & ~3, b"\0")
        for state, length in zip(states, lengths, strict=True)
    )
    tally = Tally()
    assert not tally_netlink(buffer, tally)
    assert tally.states() == TcpStates(established=2, time_wait=1, listen=1, syn_recv=1, other=1)


def test_a_done_message_ends_the_dump() -> None:
    """Messages before it are counted, except those of other kinds."""
    tally = Tally()
    assert tally_netlink(
        message(1) + message(1, kind=99) + message(0, kind=NLMSG_DONE, length=20), tally
    )
    assert tally.rows == 1


def test_an_error_message_is_an_os_error() -> None:
    """With the errno of the kernel."""
    error = struct.pack("=IHHIIi", 20, NLMSG_ERROR, 0, 1, 0, -errno.ENOENT)
    with pytest.raises(FileNotFoundError):
        tally_netlink(error, Tally())


@pytest.mark.parametrize("number", [b"", b"\x80", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f"])
def test_an_error_message_with_an_invalid_number_is_an_os_error(number: bytes) -> None:
    """The number may be cut off, or be no errno."""
    with pytest.raises(OSError, match=r"\[Errno \d+\]"):
        tally_netlink(struct.pack("=IHHII", 20, NLMSG_ERROR, 0, 1, 0) + number, Tally())


@given(
    odd(message(1) + message(6, length=96))
    | st.lists(st.integers(0, 255)).map(lambda states: b"".join(map(message, states)))
)
def test_any_netlink_message_is_counted_or_an_os_error(content: bytes) -> None:
    """No message counts twice."""
    tally = Tally()
    try:
        tally_netlink(content, tally)
    except OSError:
        return
    assert_sane(tally.states())
    assert sum(tally.codes) == tally.rows <= len(content) // 16


@given(odd(TCP.encode()))
def test_any_content_of_the_file_is_counted(content: bytes) -> None:
    """No count is negative or impossible."""
    tally = Tally()
    tally_proc(content, tally)
    assert_sane(tally.states())
    assert sum(tally.codes) == tally.rows


def test_netlink_and_the_file_count_the_same_sockets() -> None:
    """A listener and both ends of a connection are in both."""
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


class ScanClock:
    """A clock of a tree that a scan moves: each time that the worker reads it, ``cost`` seconds have passed."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.cost = 0.0
        self.reads = 0

    def monotonic(self) -> float:
        if threading.current_thread().name == "ts-tcp-states":
            self.reads += 1
            self._tree.monotonic += self.cost
        return self._tree.monotonic


@pytest.mark.parametrize(
    ("cost", "pause"),
    [(0.0001, 1.0), (0.0005, 2.0), (0.01, 5.0), (0.05, 10.0), (0.3, 20.0), (2.0, 30.0)],
)
def test_a_longer_scan_is_followed_by_a_longer_pause(tree: Tree, cost: float, pause: float) -> None:
    """At most 0.2 ms: a scan in each tick, of one second here. Otherwise after 2, 5, 10, 20 or 30 s."""
    tree.put("proc/net/tcp", TCP)
    clock = ScanClock(tree)
    files = Files(tree.proc, tree.sys, Clock(monotonic=clock.monotonic))
    scan = StatesScan(files, timeout_seconds=10.0)
    clock.cost = cost
    scan.maybe_states(tree.tick())
    reads, waited = clock.reads, 0.0
    assert reads > 0
    while clock.reads == reads:
        waited += 1.0
        scan.maybe_states(tree.tick(1.0))
    scan.close()
    assert waited == pause


def test_the_age_of_a_scan_grows_until_the_next_one(tree: Tree) -> None:
    """A scan of 2 s is 7 s old."""
    tree.put("proc/net/tcp", TCP)
    clock = ScanClock(tree)
    clock.cost = 2.0
    files = Files(tree.proc, tree.sys, Clock(monotonic=clock.monotonic))
    scan = StatesScan(files, timeout_seconds=10.0)
    scan.maybe_states(tree.tick())
    states = scan.maybe_states(tree.tick(7.0))
    scan.close()
    assert states is not None
    assert states.age_seconds == 7.0


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make socket(2) fail for AF_NETLINK, as under a seccomp filter. Returns a list of the calls."""
    calls: list[int] = []
    real = socket.socket

    def refuse(family: int, *arguments: int) -> socket.socket:
        if family != socket.AF_NETLINK:
            return real(family, *arguments)
        calls.append(family)
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refuse)
    return calls


def test_without_netlink_the_file_is_read(forbidden: list[int]) -> None:
    """sock_diag is tried once. It may be forbidden, or the kernel may not have it."""
    clock = Clock()
    scan = StatesScan(Files("/proc", "/sys", clock), timeout_seconds=10.0)
    for tick in range(3):
        assert scan.maybe_states(Now(tick, clock.monotonic(), 0.0, 0.0)) is not None
    scan.close()
    assert len(forbidden) == 1


def test_netlink_is_not_used_for_another_host(tree: Tree, forbidden: list[int]) -> None:
    """It answers for the network namespace of this program, so the file of the tree is read."""
    tree.put("proc/net/tcp", TCP)
    scan = StatesScan(tree.files, timeout_seconds=10.0)
    states = scan.maybe_states(tree.tick())
    scan.close()
    assert states is not None
    assert states.counts == COUNTED
    assert forbidden == []


def test_a_scan_never_delays_the_tick(tree: Tree) -> None:
    """There are no states until the first scan has ended."""
    os.mkdir(f"{tree.proc}/net")
    fifo = f"{tree.proc}/net/tcp"
    os.mkfifo(fifo)  # open() of it blocks until another process opens it for writing
    scan = StatesScan(tree.files)
    began = time.monotonic()
    assert scan.maybe_states(tree.tick()) is None
    assert scan.maybe_states(tree.tick()) is None
    assert time.monotonic() - began < 5.0
    os.close(os.open(fifo, os.O_WRONLY))
    scan.close()


def test_a_failing_scan_has_no_states_and_logs_one_line(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    """The tree has no file. The section tcp goes on without states."""
    scan = StatesScan(tree.files, timeout_seconds=10.0)
    for _ in range(3):
        assert scan.maybe_states(tree.tick()) is None
    scan.close()
    assert len(caplog.records) == 1


def test_sockets_that_are_only_bound_are_not_counted() -> None:
    """Linux 6.8 reports them to those who request TCP_BOUND_INACTIVE (13). The files do not have them."""
    assert not tcp_states.REPORTED_STATES >> 13
    before = tcp_states.scan_netlink().states().close
    sockets = [socket.socket() for _ in range(5)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        assert tcp_states.scan_netlink().states().close <= before + 1  # of another program
    finally:
        for each in sockets:
            each.close()
