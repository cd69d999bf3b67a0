"""Attacks on the running program with large numbers of connections."""

from __future__ import annotations

import itertools
import resource
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.attacks.target import Target
from tests.attacks.wire import dial, exchange, head, read_to_end, statuses
from tests.conftest import eventually

# The connection limit of the program, without the connection of the honest viewer.
CROWD = 1063

CHECK = head("GET /healthz HTTP/1.1")


def test_500_idle_connections(target: Target) -> None:
    """They send nothing or a part of a request; other clients are served."""
    with ExitStack() as stack:
        for i in range(500):
            stack.enter_context(dial(target.address)).sendall(CHECK[: i % 30])
        assert statuses(exchange(target.address, CHECK, half_close=True)) == [200]


def test_more_connections_than_the_limit(target: Target) -> None:
    """Those above the limit are answered 503; when the others have ended, new ones are served."""
    with ExitStack() as stack:
        crowd = [stack.enter_context(dial(target.address)) for _ in range(1100)]
        assert statuses(read_to_end(crowd[-1])) == [503]
    assert eventually(lambda: statuses(exchange(target.address, CHECK, half_close=True)) == [200])


def test_1000_connections_that_are_reset_at_once(target: Target) -> None:
    """Often before they are accepted."""
    for _ in range(1000):
        with socket.create_connection(target.address) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert statuses(exchange(target.address, CHECK, half_close=True)) == [200]


@contextmanager
def few_descriptors(pid: int, spare: int) -> Iterator[None]:
    """Limit the process to ``spare`` more descriptors than it has open."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    taken = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
    free = (number for number in itertools.count() if number not in taken)
    limit = next(itertools.islice(free, spare, None))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def cpu_ticks(pid: int) -> int:
    """Return user and system time of a process, in clock ticks (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_no_descriptors_left(target: Target) -> None:
    """Connections without a descriptor are answered 503, the accept loop does not spin, and later ones are served."""
    target.expected_in_log = line = "Cannot accept new connections"
    pid = target.program.process.pid
    with ExitStack() as crowd:
        with few_descriptors(pid, spare=20):
            sockets = [crowd.enter_context(dial(target.address)) for _ in range(60)]
            assert eventually(lambda: line in target.program.log)
            before, began = cpu_ticks(pid), time.monotonic()
            viewed = target.read_for(1.0)
            used, seconds = cpu_ticks(pid) - before, time.monotonic() - began
            assert used < 60 * seconds  # of 100 per second, which a loop that spins would use
            while len(viewed) < 4:
                viewed += target.read_for(0.0)
            refused = select.select(sockets, [], [], 0)[0]
            assert 30 < len(refused) < 60  # a tick opens files for a moment
            for sock in refused:
                assert statuses(read_to_end(sock)) == [503]
        for sock in set(sockets) - set(refused):
            sock.sendall(CHECK)
            assert sock.recv(12) == b"HTTP/1.1 200"
        assert statuses(exchange(target.address, CHECK, half_close=True)) == [200]
    assert target.program.log.count(line) == 1
