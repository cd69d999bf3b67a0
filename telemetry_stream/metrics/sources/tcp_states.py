"""TCP sockets by state: sock_diag over netlink, /proc/net/tcp and tcp6 behind it (metrics.md 8, per state).

Kernel: include/uapi/linux/inet_diag.h, net/ipv4/tcp_diag.c; man sock_diag. The kernel walks its whole hash either way;
sock_diag hands out 32 KB a read and the file 4, which makes it ten times cheaper (10 000 sockets: 4 ms against 44).
IPv4 clients of a dual-stack listener are in tcp6 only; a missing tcp6 is a host without IPv6.

The older request, TCPDIAG_GETSOCK, is used since it gives both families in one walk; SOCK_DIAG_BY_FAMILY needs two, and
walking an almost empty hash is most of the cost (0.23 ms against 0.46).

Strategy: a scan runs on a worker, so it never delays a tick, and its duration sets how soon the next one may follow.
sock_diag speaks of our own network namespace: for another host's proc_root only its files are right.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import socket
import struct
from dataclasses import dataclass, field

from ..blocking import Blocking
from ..files import Files
from ..source import Now

log = logging.getLogger(__name__)

# enum in include/net/tcp_states.h, from 1; 12 is TCP_NEW_SYN_RECV, which ss calls syn_recv, too.
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
# A scan of this many seconds or less rests for so many. The kernel walks its whole hash, which takes half a millisecond
# with no connection at all: each second that would be an eighth of what the whole program costs.
CADENCES = ((0.0002, 0.0), (0.02, 2.0), (0.1, 5.0), (0.5, 10.0), (math.inf, 30.0))
MOST_ROWS = 200_000

NETLINK_SOCK_DIAG = 4
NLMSG_ERROR, NLMSG_DONE, TCPDIAG_GETSOCK = 2, 3, 18
NLM_F_REQUEST_DUMP = 0x301
HEADER_BYTES = 16
STATE_OFFSET = HEADER_BYTES + 1  # inet_diag_msg: family, state, ...
# nlmsghdr, inet_diag_req: any family, any address, these states.
REQUEST = struct.Struct("=IHHII 52x I 4x")
RECEIVE_BYTES = 64 * 1024
RECEIVE_BUFFER_BYTES = 1024 * 1024
ALL_STATES = 0xFFFFFFFF
TIMEOUT_SECONDS = 5.0


@dataclass(slots=True)
class TcpStates:
    """Sockets of both families in each state."""

    established: int = 0
    syn_sent: int = 0
    syn_recv: int = 0
    fin_wait1: int = 0
    fin_wait2: int = 0
    time_wait: int = 0
    close: int = 0
    close_wait: int = 0
    last_ack: int = 0
    listen: int = 0
    closing: int = 0
    other: int = 0


@dataclass(slots=True)
class Tally:
    """Counts by the kernel's code, while a scan runs."""

    codes: list[int] = field(default_factory=lambda: [0] * 256)
    rows: int = 0
    truncated: bool = False

    def states(self) -> TcpStates:
        """By name; a code that nobody knows is ``other``."""
        counts = dict.fromkeys(NAMES, 0)
        for code, name in enumerate(NAMES, 1):
            counts[name] += self.codes[code]
        return TcpStates(**counts, other=self.rows - sum(counts.values()))


def tally_proc(content: bytes, tally: Tally) -> None:
    """Count the rows of /proc/net/tcp or tcp6: the state is the fourth column, in hex."""
    for line in content.split(b"\n"):
        words = line.split(None, 4)
        if len(words) < 4 or not words[0].endswith(b":"):
            continue  # the heading, the end
        try:
            code = int(words[3], 16)
        except ValueError:
            code = 0
        tally.codes[code if 0 <= code < 256 else 0] += 1
        tally.rows += 1


def tally_netlink(message: bytes, tally: Tally) -> bool:
    """Count one received buffer of netlink messages. True when it ends the dump. OSError for the kernel's refusal."""
    size = len(message)
    # Sockets of one kind have messages of one length: mostly a buffer is a table, whose columns slices can count.
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
            number = -negated & 0xFFF  # no errno is larger: MAX_ERRNO in linux/err.h
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
    """Ask sock_diag. Raises OSError where the kernel has none (or a seccomp filter forbids it)."""
    tally = Tally()
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, NETLINK_SOCK_DIAG) as diag:
        diag.settimeout(TIMEOUT_SECONDS)
        diag.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        size = REQUEST.size
        diag.send(REQUEST.pack(size, TCPDIAG_GETSOCK, NLM_F_REQUEST_DUMP, 1, 0, ALL_STATES))
        while not tally_netlink(diag.recv(RECEIVE_BYTES), tally):
            if tally.rows > MOST_ROWS:
                tally.truncated = True
                break  # closing the socket ends the dump
    return tally


def scan_proc(paths: tuple[str, str]) -> Tally:
    """Read tcp and tcp6. Raises OSError where the first cannot be read."""
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
        if tally.rows > MOST_ROWS:
            tally.truncated = True
            return
    tally_proc(rest, tally)


@dataclass(frozen=True, slots=True)
class Scanned:
    """The newest scan, as the section tells it."""

    counts: TcpStates
    age_seconds: float
    truncated: bool


class StatesScan:
    """Scans on a worker while they are wanted, as often as their cost allows."""

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._clock = files.clock
        self._netlink = files.is_system
        self._paths = files.net_path("tcp"), files.net_path("tcp6")
        self._blocking: Blocking[None, tuple[Tally, float]] = Blocking(
            "ts-tcp-states", self._scan, files.clock, timeout_seconds=timeout_seconds
        )
        self._next_at = -math.inf
        self._told: str | None = None

    def maybe_states(self, now: Now) -> Scanned | None:
        """The newest scan; None before the first has ended, and where there is none to be had."""
        if now.monotonic >= self._next_at:
            self._blocking.ask([None])
        answer = self._blocking.answer(None)
        if answer is None:
            return None
        if answer.value is None:
            self._tell(answer.error)
            return None
        tally, took = answer.value
        self._next_at = answer.at + next(rest for limit, rest in CADENCES if took <= limit)
        age = max(0.0, self._clock.monotonic() - answer.at)
        return Scanned(tally.states(), round(age, 1), tally.truncated)

    def close(self) -> None:
        """Let the idle worker go."""
        self._blocking.close()
        self._next_at = -math.inf

    def _scan(self, _key: None) -> tuple[Tally, float]:
        """Runs on the worker: the counts and what they cost."""
        began = self._clock.monotonic()
        tally = self._maybe_netlink()
        if tally is None:
            tally = scan_proc(self._paths)
        return tally, self._clock.monotonic() - began

    def _maybe_netlink(self) -> Tally | None:
        if not self._netlink:
            return None
        try:
            return scan_netlink()
        except OSError as error:
            self._netlink = False
            log.info("TCP states come from /proc/net/tcp: sock_diag says %s", error)
            return None

    def _tell(self, error: Exception | None) -> None:
        if str(error) != self._told:
            self._told = str(error)
            log.warning("TCP states are not known: %s", error)
