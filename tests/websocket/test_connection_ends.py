"""Connection: no thread, no descriptor and no entry remains of a viewer that has left, however it left."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from telemetry_stream import threads
from telemetry_stream.websocket import connection
from telemetry_stream.websocket.connection import Timing
from tests.conftest import descriptors, eventually, our_threads
from tests.server.service import Service
from tests.websocket.peer import CLOSE, PING, PONG, Peer, closing, frame, handshake


def leave_by_close(service: Service) -> None:
    """Leave with the closing handshake."""
    with Peer(service.address) as peer:
        peer.send(closing(1000))
        assert peer.skip_to(CLOSE)
        assert peer.frames_to_end() == []


def leave_without_close_frame(service: Service) -> None:
    """Leave with a FIN only."""
    with Peer(service.address) as peer:
        assert peer.message()["type"] == "hello"


def leave_by_reset(service: Service) -> None:
    """Leave with a TCP reset."""
    peer = Peer(service.address)
    assert peer.message()["type"] == "hello"
    peer.reset()


def leave_during_the_handshake(service: Service) -> None:
    """Leave before the answer to the handshake arrives."""
    with socket.create_connection(service.address) as sock:
        sock.sendall(handshake())


VIEWER_PROGRAM = """
import socket, sys
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(sys.argv[2].encode())
received = b""
while b'"hello"' not in received:
    data = sock.recv(65536)
    if not data:
        sys.exit("the server has closed the connection")
    received += data
print("open", flush=True)
sock.recv(65536)
sys.stdin.read()
"""


def leave_by_sigkill(service: Service) -> None:
    """Leave because the kernel kills the program."""
    with subprocess.Popen(
        [
            sys.executable, "-S", "-c", VIEWER_PROGRAM,
            str(service.address[1]), handshake().decode(),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        process.kill()


@pytest.fixture
def end_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pong be a minute old when it arrives. A short limit could end before the first frame."""
    begun = set[connection._Peer]()
    extend = connection._Peer.on_pong

    def on_pong(peer: connection._Peer) -> None:
        if peer in begun:
            peer._silent_at = time.monotonic()
        else:  # the library begins as after a pong
            begun.add(peer)
            extend(peer)

    monkeypatch.setattr(connection._Peer, "on_pong", on_pong)


def leave_by_silence(service: Service) -> None:
    """Stay connected without answering a ping. The deadline is reached with a pong: see ``end_silence``."""
    with Peer(service.address) as peer:
        assert peer.message()["type"] == "hello"
        peer.skip_to(PING)
        peer.send(frame(PONG))
        assert {f.opcode for f in peer.frames_to_end()} <= {PING}  # no close frame


@pytest.mark.usefixtures("end_silence")
@pytest.mark.parametrize(
    ("leave", "end"),
    [
        (leave_by_close, "gone"),
        (leave_without_close_frame, "gone"),
        (leave_by_reset, "gone"),
        (leave_during_the_handshake, "gone"),
        (leave_by_sigkill, "gone"),
        (leave_by_silence, "silent"),
    ],
)
def test_nothing_remains_of_a_viewer_that_has_left(
    leave: Callable[[Service], None], end: str
) -> None:
    """The registry, the threads and the descriptors are the same as before."""
    timing = Timing(ping=0.02) if end == "silent" else Timing()
    with Service(timing=timing) as service:
        threads_before, descriptors_before = our_threads(), set(descriptors().values())
        for count in (1, 4):
            leavers = [threads.start("ts-leaver", leave, service) for _ in range(count)]
            for leaver in leavers:
                leaver.join(20)
            assert eventually(lambda: service.hub.stats().clients == 0)
            assert service.viewers.wait_until_gone(10)
        stats = service.hub.stats()
        assert stats.ended == ({end: stats.registered} if stats.registered else {})
        assert stats.registered == 5 or leave is leave_during_the_handshake
        assert service.report() == []
        assert eventually(lambda: our_threads() == threads_before)
        assert eventually(lambda: set(descriptors().values()) <= descriptors_before)
        assert "clients=0" in repr(service.hub)
