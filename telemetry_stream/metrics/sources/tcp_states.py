"""TCP sockets by state, from sock_diag over netlink, or else from /proc/net/tcp and tcp6.

Kernel: include/uapi/linux/inet_diag.h, net/ipv4/tcp_diag.c; man page sock_diag(7). The kernel walks its whole hash
table in both cases, but a read of sock_diag returns 32 KB and a read of the file 4, which makes sock_diag ten times
cheaper (10 000 sockets: 4 ms against 44). IPv4 clients of a dual-stack listener are only in tcp6; without tcp6, the
host has no IPv6.

The older request TCPDIAG_GETSOCK is used, because it returns both families in one walk. SOCK_DIAG_BY_FAMILY needs two,
and the walk of an almost empty table is most of the cost (0.23 ms against 0.46).

Strategy: a scan runs on a worker, so that it never delays a tick, and its duration decides when the next one may
follow. sock_diag answers for the network namespace of this program. For the proc_root of another host, only the files
are right.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import socket
import struct
from dataclasses import dataclass, field
from typing import Annotated

from ..blocking import Blocking
from ..files import Files
from ..source import Now

log = logging.getLogger(__name__)

# The enum in include/net/tcp_states.h, from 1. 12 is TCP_NEW_SYN_RECV, which ss calls syn_recv, too.
NAMES = (
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
    "syn_recv",
)
# (duration, pause): after a scan of this duration or less, the next one follows after this pause, in seconds. The
# kernel walks its whole table, which takes 0.5 to 4 ms even without a connection: every 2 s, the latter would be a
# fifth of the cost of the whole program with a viewer of everything.
CADENCES = (
    (0.0002, 0.0),
    (0.001, 2.0),
    (0.02, 5.0),
    (0.1, 10.0),
    (0.5, 20.0),
    (math.inf, 30.0),
)
MAX_ROWS = 200_000

NETLINK_SOCK_DIAG = 4
NLMSG_ERROR, NLMSG_DONE, TCPDIAG_GETSOCK = 2, 3, 18
NLM_F_REQUEST_DUMP = 0x301
HEADER_BYTES = 16
STATE_OFFSET = HEADER_BYTES + 1  # inet_diag_msg: family, state, ...
# nlmsghdr and inet_diag_req: any family, any address, the given states.
REQUEST = struct.Struct("=IHHII 52x I 4x")
RECEIVE_BYTES = 64 * 1024
RECEIVE_BUFFER_BYTES = 1024 * 1024
# The states that the files show. Since Linux 6.8, sock_diag reports sockets that are bound and nothing else as "close"
# to those who request TCP_BOUND_INACTIVE (13).
REPORTED_STATES = sum(1 << state for state in range(1, len(NAMES) + 1))
TIMEOUT_SECONDS = 5.0


@dataclass(slots=True)
class TcpStates:
    """Sockets of both families in each state."""

    established: Annotated[int, "Connections that are open in both directions."] = 0
    syn_sent: Annotated[int, "Connections requested from here, without an answer so far."] = 0
    syn_recv: Annotated[
        int,
        "Connections requested by a peer, not established yet. Many at once are a flood or a full backlog.",
    ] = 0
    fin_wait1: Annotated[int, "Closed here; the peer has not acknowledged it."] = 0
    fin_wait2: Annotated[int, "Closed here; the peer has not closed its side yet."] = 0
    time_wait: Annotated[
        int, "Closed by both sides, and kept for a minute, so that late segments do no harm."
    ] = 0
    close: Annotated[
        int, "Not in use. Sockets that are only bound to an address are not counted."
    ] = 0
    close_wait: Annotated[
        int,
        "Closed by the peer and not by the program here. A number that keeps growing is a fault in that program.",
    ] = 0
    last_ack: Annotated[int, "Closed by both sides; the last acknowledgement is missing."] = 0
    listen: Annotated[int, "Sockets that wait for connections."] = 0
    closing: Annotated[int, "Closed by both sides at the same time."] = 0
    other: Annotated[int, "States that this version does not know."] = 0


@dataclass(slots=True)
class Tally:
    """Counts by the kernel's code of the state, while a scan runs."""

    codes: list[int] = field(default_factory=lambda: [0] * 256)
    rows: int = 0
    truncated: bool = False

    def states(self) -> TcpStates:
        """Return the counts by name. Unknown codes are ``other``."""
        counts = dict.fromkeys(NAMES, 0)
        for code, name in enumerate(NAMES, 1):
            counts[name] += self.codes[code]
        return TcpStates(**counts, other=self.rows - sum(counts.values()))


def tally_proc(content: bytes, tally: Tally) -> None:
    """Count the rows of /proc/net/tcp or tcp6. The state is the fourth column, in hexadecimal."""
    for line in content.split(b"\n"):
        words = line.split(None, 4)
        if len(words) < 4 or not words[0].endswith(b":"):
            continue  # the heading, or the end
        try:
            code = int(words[3], 16)
        except ValueError:
            code = 0
        tally.codes[code if 0 <= code < 256 else 0] += 1
        tally.rows += 1


def tally_netlink(message: bytes, tally: Tally) -> bool:
    """Count one received buffer of netlink messages. Return True if it ends the dump.

    Raises OSError for an error message of the kernel, and for a message that is too short.
    """
    size = len(message)
    # Sockets of one kind have messages of the same length. So a buffer is usually a table, and slices are its columns.
    length = int.from_bytes(message[:4], "little" if LITTLE else "big")
    if length > STATE_OFFSET and size % length == 0 and length % 4 == 0:
        rows = size // length
        heads = [message[offset::length] for offset in range(6)]
        if (
            all(head == head[:1] * rows for head in heads)
            and message[TYPE_OFFSET] == TCPDIAG_GETSOCK
        ):
            states = message[STATE_OFFSET::length]
            for code in set(states):
                tally.codes[code] += states.count(code)
            tally.rows += rows
            return False
    offset = 0
    while offset + HEADER_BYTES <= size:
        length, kind = HEAD.unpack_from(message, offset)
        if kind == NLMSG_DONE:
            return True
        if kind == NLMSG_ERROR:
            body = message[offset + HEADER_BYTES :]
            negated = int.from_bytes(body[:4], "little" if LITTLE else "big", signed=True)
            number = -negated & 0xFFF  # MAX_ERRNO in linux/err.h
            raise OSError(number, os.strerror(number))
        if length <= STATE_OFFSET or offset + length > size:
            raise OSError(errno.EBADMSG, "a netlink message that is too short")
        if kind == TCPDIAG_GETSOCK:
            tally.codes[message[offset + STATE_OFFSET]] += 1
            tally.rows += 1
        offset += (length + 3) & ~3
    return False


LITTLE = struct.pack("=H", 1) == struct.pack("<H", 1)
TYPE_OFFSET = 4 if LITTLE else 5
HEAD = struct.Struct("=IH")


def scan_netlink() -> Tally:
    """Count the sockets with sock_diag. Raises OSError if the kernel does not have it or a seccomp filter forbids
    it.
    """
    tally = Tally()
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, NETLINK_SOCK_DIAG) as diag:
        diag.settimeout(TIMEOUT_SECONDS)
        diag.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        size = REQUEST.size
        diag.send(REQUEST.pack(size, TCPDIAG_GETSOCK, NLM_F_REQUEST_DUMP, 1, 0, REPORTED_STATES))
        while not tally_netlink(diag.recv(RECEIVE_BYTES), tally):
            if tally.rows > MAX_ROWS:
                tally.truncated = True
                break  # closing the socket ends the dump
    return tally


def scan_proc(paths: tuple[str, str]) -> Tally:
    """Count the sockets in tcp and tcp6. Raises OSError if the first cannot be read."""
    tally = Tally()
    for number, path in enumerate(paths):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            if number == 0:
                raise
            continue
        try:
            _tally_file(fd, tally)
        finally:
            os.close(fd)
    return tally


def _tally_file(fd: int, tally: Tally) -> None:
    offset, rest = 0, b""
    while content := os.pread(fd, RECEIVE_BYTES, offset):
        offset += len(content)
        whole, newline, rest = (rest + content).rpartition(b"\n")
        tally_proc(whole + newline, tally)
        if tally.rows > MAX_ROWS:
            tally.truncated = True
            return
    tally_proc(rest, tally)


@dataclass(slots=True)
class Scanned:
    """The result of the newest scan."""

    counts: TcpStates
    age_seconds: float
    truncated: bool


class StatesScan:
    """Scans on a worker, as often as their duration allows."""

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._clock = files.clock
        self._use_netlink = files.is_system
        self._paths = files.net_path("tcp"), files.net_path("tcp6")
        self._blocking: Blocking[None, tuple[Tally, float]] = Blocking(
            "ts-tcp-states", self._scan, files.clock, timeout_seconds=timeout_seconds
        )
        self._next_at = -math.inf
        self._is_paused = True
        self._last_logged: str | None = None

    def maybe_states(self, now: Now) -> Scanned | None:
        """Return the newest scan, or None if the first one since a pause has not ended, or scans fail.

        A scan from before a pause counts until the next one is due: a viewer that comes and goes causes no more scans.
        """
        if self._is_paused:
            self._is_paused = False
            if now.monotonic >= self._next_at:
                self._blocking.forget([None])
        if now.monotonic >= self._next_at:
            self._blocking.request([None])
        result = self._blocking.maybe_result(None)
        if result is None:
            return None
        if result.value is None:
            self._log_failure(result.error)
            return None
        tally, took = result.value
        self._next_at = result.at + next(pause for limit, pause in CADENCES if took <= limit)
        age = max(0.0, self._clock.monotonic() - result.at)
        return Scanned(tally.states(), round(age, 1), tally.truncated)

    def pause(self) -> None:
        """Note that nobody wants them in this tick."""
        self._is_paused = True

    def close(self) -> None:
        """End the idle worker."""
        self._blocking.close()
        self._next_at = -math.inf
        self._is_paused = True

    def _scan(self, _key: None) -> tuple[Tally, float]:
        """Return the counts and the duration in seconds. Runs on the worker."""
        began = self._clock.monotonic()
        tally = self._maybe_netlink()
        if tally is None:
            tally = scan_proc(self._paths)
        return tally, self._clock.monotonic() - began

    def _maybe_netlink(self) -> Tally | None:
        if not self._use_netlink:
            return None
        try:
            return scan_netlink()
        except OSError as error:
            self._use_netlink = False
            log.info("TCP states come from /proc/net/tcp, because sock_diag failed: %s", error)
            return None

    def _log_failure(self, error: Exception | None) -> None:
        if str(error) != self._last_logged:
            self._last_logged = str(error)
            log.warning("TCP states are unavailable: %s", error)
