"""The ring: what each of many sockets took of a frame, and why there may be no ring."""

from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from telemetry_stream.net import uring
from telemetry_stream.net.uring import ENTER, Ring
from tests.net.pairs import read_exactly, tcp_pair

ENTRIES = 4

FRAME = b"frame of some bytes"

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def ring() -> Iterator[Ring]:
    """A ring that is much smaller than most audiences."""
    ring = Ring(ENTRIES)
    yield ring
    ring.close()


@pytest.fixture
def connect() -> Iterator[Callable[[], Pair]]:
    """Make connected pairs: the first socket of each does not block, and has a small buffer."""
    with ExitStack() as stack:

        def pair() -> Pair:
            sender, receiver = tcp_pair(send_bytes=4096)
            sender.setblocking(False)
            return stack.enter_context(sender), stack.enter_context(receiver)

        yield pair


def fill(sock: socket.socket) -> int:
    """Fill the buffers of a connection. Return how many bytes fit in."""
    sent = 0
    try:
        while True:
            sent += sock.send(bytes(65536))
    except BlockingIOError:
        return sent


@pytest.fixture
def _waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if a send is not complete when the system call returns."""

    def wait(ring: Ring, submitted: int) -> int:
        raise AssertionError(f"{submitted} sends are not complete")

    monkeypatch.setattr(Ring, "_wait", wait)


@pytest.mark.usefixtures("_waits_for_nothing")
@pytest.mark.parametrize("count", [0, 1, ENTRIES - 1, ENTRIES, ENTRIES + 1, 3 * ENTRIES + 2])
def test_each_socket_gets_each_frame(count: int, ring: Ring, connect: Callable[[], Pair]) -> None:
    """Any number of sockets, also more than the ring has entries, and many times around the ring."""
    pairs = [connect() for _ in range(count)]
    frames = [b"%d" % 10**number for number in range(11)]
    for frame in frames:
        assert ring.send(frame, [sender.fileno() for sender, _ in pairs]) == [len(frame)] * count
    for _, receiver in pairs:
        assert read_exactly(receiver, len(b"".join(frames))) == b"".join(frames)
    assert ring.failure is None


@pytest.mark.usefixtures("_waits_for_nothing")
def test_each_result_belongs_to_its_socket(ring: Ring, connect: Callable[[], Pair]) -> None:
    """A full socket, one with room for a part, a reset one and a closed one fail alone, at once, and in their place."""
    pairs = [connect() for _ in range(6)]
    frame = bytes(range(256)) * 65536  # of 16 MiB each socket takes a part
    fill(pairs[1][0])
    pairs[2][1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pairs[2][1].close()
    descriptors = [sender.fileno() for sender, _ in pairs]
    descriptors[3] = -1
    taken = ring.send(frame, descriptors)
    assert taken[1:4] == [0, -errno.ECONNRESET, -errno.EBADF]
    for index in (0, 4, 5):
        assert 0 < taken[index] < len(frame)
        sender, receiver = pairs[index]
        sender.shutdown(socket.SHUT_WR)
        assert read_exactly(receiver, len(frame)) == frame[: taken[index]]
    sender, receiver = connect()
    assert ring.send(FRAME, [sender.fileno(), descriptors[2]]) == [len(FRAME), -errno.EPIPE]


def test_a_full_completion_queue_loses_no_result(ring: Ring, connect: Callable[[], Pair]) -> None:
    """The kernel keeps what does not fit into the queue of eight, and the ring waits for it."""
    sender, receiver = connect()
    assert ring.send(FRAME, [sender.fileno()] * ENTRIES) == [len(FRAME)] * ENTRIES
    for _ in range(3):
        assert ring._submit(ENTRIES) == ENTRIES
    for _ in range(3):
        assert ring._complete(ENTRIES) == [len(FRAME)] * ENTRIES
    assert ring.send(FRAME, [sender.fileno()]) == [len(FRAME)]
    assert read_exactly(receiver, 17 * len(FRAME)) == FRAME * 17
    assert ring.failure is None


@pytest.mark.parametrize("taken", range(ENTRIES))
def test_a_failure_reports_which_sockets_got_the_frame(
    taken: int, ring: Ring, connect: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel takes some entries and then fails: their results are right, and the others have got nothing."""
    pairs = [connect() for _ in range(ENTRIES + 1)]
    call = ring._kernel.call
    calls = 0

    def take_some(number: int, fd: int, submit: int, *others: int) -> int:
        nonlocal calls
        calls += 1
        if calls > 1 or not taken:
            raise OSError(errno.EBUSY, "busy")
        return call(number, fd, taken, *others)

    monkeypatch.setattr(ring._kernel, "call", take_some)
    descriptors = [sender.fileno() for sender, _ in pairs]
    expected = [len(FRAME)] * taken + [0] * (len(pairs) - taken)
    assert ring.send(FRAME, descriptors) == expected
    assert ring.failure is not None
    assert ring.failure.errno == errno.EBUSY
    monkeypatch.undo()
    assert ring.send(b"more", descriptors) == [0] * len(pairs)
    for sender, receiver in pairs:
        sender.shutdown(socket.SHUT_WR)
        assert read_exactly(receiver, 100) == FRAME * (expected.pop(0) > 0)


def test_a_submission_that_goes_nowhere_is_a_failure(
    ring: Ring, connect: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that takes no entry, and reports no error, is not called again and again."""
    sender, _ = connect()
    monkeypatch.setattr(ring._kernel, "call", lambda *_: 0)
    assert ring.send(FRAME, [sender.fileno()]) == [0]
    assert ring.failure is not None


def test_a_send_that_does_not_complete_is_waited_for_until_a_deadline(
    ring: Ring, connect: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows how much such a socket got: it has an error. The frame stays in memory, and the others are right."""
    pairs = [connect() for _ in range(3)]
    call = ring._kernel.call

    def lose_one(number: int, fd: int, submit: int, *others: int) -> int:
        return call(number, fd, submit - 1, *others) + 1 if submit else call(number, fd, 0, *others)

    monkeypatch.setattr(ring._kernel, "call", lose_one)
    monkeypatch.setattr(uring, "COMPLETION_SECONDS", 0.01)
    descriptors = [sender.fileno() for sender, _ in pairs]
    assert ring.send(FRAME, descriptors) == [len(FRAME), len(FRAME), -errno.ETIMEDOUT]
    assert ring.failure is not None
    assert ring.failure.errno == errno.ETIMEDOUT
    assert ring._frame is FRAME


@pytest.mark.parametrize(
    ("result", "reason"),
    [([0], "a send returned"), ([-errno.EINVAL], "a send returned"), ([4], "to a full socket")],
)
def test_a_ring_that_does_not_work_is_unavailable(
    result: list[int], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The self-test finds a kernel without this operation, and one whose send reports bytes of a full socket."""
    send = Ring.send
    monkeypatch.setattr(
        Ring, "send", lambda *arguments: result if result != [4] else send(*arguments) and [4]
    )
    with pytest.raises(uring.UnavailableError, match=reason):
        Ring(ENTRIES)
    assert_no_ring_is_open()


@pytest.mark.parametrize("machine", ["darwin", "32 bits", "no ctypes"])
def test_it_is_unavailable_on_other_machines(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on a 64-bit Linux with ctypes, nothing is tried."""
    if machine == "darwin":
        monkeypatch.setattr(sys, "platform", "darwin")
    elif machine == "32 bits":
        monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    else:
        monkeypatch.setitem(sys.modules, "ctypes", None)
    with pytest.raises(uring.UnavailableError):
        Ring(ENTRIES)


def assert_no_ring_is_open() -> None:
    """Check that this process has neither a descriptor nor a mapping of a ring."""
    assert "io_uring" not in Path("/proc/self/maps").read_text()
    links = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    assert not [link for link in links if "io_uring" in link]


def test_close_leaves_nothing(connect: Callable[[], Pair]) -> None:
    """No descriptor, no mapping. A second close does nothing."""
    sender, _ = connect()
    ring = Ring(ENTRIES)
    ring.send(FRAME, [sender.fileno()])
    ring.close()
    ring.close()
    assert_no_ring_is_open()


# Each child refuses one of the two system calls with this error, as a seccomp filter of a container does (seccomp(2),
# SECCOMP_SET_MODE_FILTER): load the number of the system call, and compare it.
REFUSED = f"""
import ctypes, errno, os, struct
from telemetry_stream.net.uring import SETUP, ENTER, Ring, UnavailableError

def refuse(number, error):
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | error), (0x06, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0

for number, error in [(SETUP, errno.ENOSYS), (SETUP, errno.EPERM), (SETUP, errno.ENOMEM), (ENTER, errno.EPERM)]:
    if not os.fork():
        refuse(number, error)
        try:
            Ring({ENTRIES})
        except UnavailableError as reason:
            print(reason, flush=True)
        os._exit(0)
    os.wait()
"""


def run(script: str) -> list[str]:
    """Run a Python script in a process without threads. Return the lines that it prints."""
    finished = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert not finished.stderr
    return finished.stdout.splitlines()


def test_the_reason_why_it_is_unavailable() -> None:
    """The kernel does not have it, a filter forbids a system call, or the memory that may be locked is used up."""
    assert run(REFUSED) == [
        "the kernel does not have it",
        "it is not permitted (kernel.io_uring_disabled, or a seccomp filter)",
        "not enough memory, or locked memory (ulimit -l)",
        "self-test: a send returned [0]",
    ]


FORKED = f"""
import os, socket, subprocess
from telemetry_stream.net.uring import Ring

ring = Ring({ENTRIES})
sender, receiver = socket.socketpair()
print(ring.send(b"before", [sender.fileno()]), flush=True)
if not os.fork():
    print(ring.send(b"child", [sender.fileno()]), ring.failure.strerror, flush=True)
    ring.close()
    os._exit(0)
os.wait()
print(ring.send(b"after", [sender.fileno()]), receiver.recv(100), flush=True)
shown = subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True, text=True)
print("io_uring" in shown.stdout, ring.send(b"!", [sender.fileno()]))
"""


def test_fork_and_exec_with_an_open_ring() -> None:
    """A child cannot use the ring, and its close does not disturb the parent. A program that is executed has none."""
    assert run(FORKED) == [
        "[6]",
        "[0] the ring belongs to another process",
        "[5] b'beforeafter'",
        "False [1]",
    ]


def test_only_two_system_calls_are_used(ring: Ring, connect: Callable[[], Pair]) -> None:
    """One io_uring_enter sends to as many sockets as the ring has entries."""
    pairs = [connect() for _ in range(2 * ENTRIES)]
    calls = []
    call = ring._kernel.call

    def count(number: int, *arguments: int) -> int:
        calls.append(number)
        return call(number, *arguments)

    ring._kernel.call = count  # type: ignore[method-assign]
    ring.send(FRAME, [sender.fileno() for sender, _ in pairs])
    assert calls == [ENTER, ENTER]
