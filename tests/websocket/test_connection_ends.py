"""Connection: the closing handshake from both sides, and that nothing is left of a viewer that has gone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed

from telemetry_stream import threads
from telemetry_stream.hub import End
from telemetry_stream.websocket.connection import Timing
from tests.conftest import descriptors, eventually, our_threads
from tests.server.service import Service, message
from tests.websocket.peer import CLOSE, PING, PONG, TEXT, Peer, closing, frame, handshake


@contextmanager
def broadcasting(service: Service) -> Iterator[None]:
    """A sample each millisecond."""
    stop = threading.Event()

    def publish() -> None:
        while not stop.wait(0.001):
            service.publish()

    thread = threads.start("ts-publish", publish)
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


# The peer closes.


def test_close_is_answered_with_its_code_always() -> None:
    """Fifty of fifty, amid a broadcast: the reply is the last that the peer sees, and then the end, never a reset."""
    with Service() as service, broadcasting(service):
        for number in range(50):
            with Peer(service.address) as peer:
                assert peer.message()["type"] == "hello"
                peer.send(closing(3000 + number, b"bye"))
                assert peer.skip_to(CLOSE).code == 3000 + number
                assert peer.frames_to_end() == []
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"gone": 50}


def test_real_client_never_sees_1006() -> None:
    """The ``websockets`` package closes fifty times, and is answered fifty times."""
    codes = []
    with Service() as service, broadcasting(service):
        for number in range(50):
            with service.viewer() as viewer:
                assert message(viewer)["type"] == "hello"
                viewer.close(4000 + number)
                codes.append(viewer.close_code)
    assert codes == list(range(4000, 4050))


def test_close_without_a_code() -> None:
    """Is answered with none."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(frame(CLOSE))
        assert peer.skip_to(CLOSE).payload == b""
        assert peer.frames_to_end() == []


def test_nothing_of_a_peers_is_heard_after_its_close() -> None:
    """A ping behind a close frame gets no answer, also in the same segment."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(closing(1000) + frame(PING, b"late") + closing(1001))
        frames = peer.frames_to_end()
        assert {f.opcode for f in frames} <= {TEXT, CLOSE}
        assert [f.code for f in frames if f.opcode == CLOSE] == [1000]
        assert frames[-1].opcode == CLOSE


# We close.


def test_going_away_is_1001_to_both_client_libraries() -> None:
    """What a browser needs in order to know that it should come again."""
    with Service() as service:
        with service.viewer() as viewer, service.other_viewer() as other:
            assert message(viewer)["type"] == "hello"
            assert other.recv_data()[0] == TEXT
            service.hub.close()
            with pytest.raises(ConnectionClosed) as closed:
                viewer.recv(timeout=10)
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "going away")
            assert other.recv_data() == (CLOSE, b"\x03\xe9going away")
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"going away": 2}


def test_viewer_that_comes_too_late_is_told_so() -> None:
    """A handshake that was under way when the hub closed ends in the same goodbye."""
    with Service() as service:
        service.hub.close()
        with Peer(service.address) as peer:
            assert peer.skip_to(CLOSE).code == 1001


def test_silent_peer_is_cut_after_the_close_deadline() -> None:
    """One that answers no close frame is not waited for."""
    with Service(timing=Timing(close=0.05)) as service, Peer(service.address) as peer:
        assert peer.message()["type"] == "hello"
        service.hub.close()
        assert [f.code for f in peer.frames_to_end()] == [1001]
        assert service.viewers.wait_until_gone(10)


def test_nothing_follows_our_close() -> None:
    """No pong, no second close frame, no sample (RFC 6455 section 5.5.1)."""
    with Service(timing=Timing(close=0.2)) as service, broadcasting(service):
        for peers in range(10):
            with Peer(service.address) as peer:
                assert peer.message()["type"] == "hello"
                peer.send(frame(PING))
                assert peer.skip_to(PONG)
                (client,) = service.hub.clients()
                client.close(End.GOING_AWAY)
                assert peer.skip_to(CLOSE).code == 1001
                peer.send(frame(PING, b"late") + closing(1000) + frame(PING, b"later"))
                assert peer.frames_to_end() == []
            assert service.viewers.wait_until_gone(10), peers


def test_who_is_behind_gets_what_waits_and_then_the_goodbye() -> None:
    """A viewer whose queue is half full when the server stops misses nothing, if only it reads."""
    with Service() as service, Peer(service.address, buffer_bytes=4096) as peer:
        assert peer.message()["type"] == "hello"
        (client,) = service.hub.clients()
        texts: list[str] = []
        while client.queue.qsize() < 8:
            texts.append(f"{len(texts)} " + "x" * 20_000)
            service.stream.broadcast("note", text=texts[-1])
            assert service.hub.moves(10)
        assert client.end is None
        service.hub.close()
        frames = peer.frames_to_end()
        assert [json.loads(f.payload)["text"] for f in frames[:-1]] == texts
        assert frames[-1].code == 1001
        assert client.dropped == 0


def test_stalled_peer_does_not_hold_up_the_end() -> None:
    """A viewer that reads nothing blocks its write pump: shutting the transports down wakes it."""
    with (
        Service(timing=Timing(close=0.05), grace_seconds=0.01) as service,
        Peer(service.address, buffer_bytes=4096) as peer,
    ):
        assert peer.message()["type"] == "hello"
        (client,) = service.hub.clients()
        while not eventually(lambda: client.dropped, 0.01):
            service.publish(20, pad=64 * 1024)
        service.hub.close()
        assert not service.viewers.wait_until_gone(0.02)
        service.end_connections()
        assert service.viewers.wait_until_gone(0)


# Zero state.


def leave_by_close(service: Service) -> None:
    """With the closing handshake."""
    with Peer(service.address) as peer:
        peer.send(closing(1000))
        assert peer.skip_to(CLOSE)
        assert peer.frames_to_end() == []


def leave_by_hanging_up(service: Service) -> None:
    """With a FIN and no word."""
    with Peer(service.address) as peer:
        assert peer.message()["type"] == "hello"


def leave_by_reset(service: Service) -> None:
    """With a RST."""
    peer = Peer(service.address)
    assert peer.message()["type"] == "hello"
    peer.reset()


def leave_in_the_handshake(service: Service) -> None:
    """Before the answer to the handshake has come."""
    with socket.create_connection(service.address) as sock:
        sock.sendall(handshake())


VIEWER_PROGRAM = """
import socket, sys
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(sys.argv[2].encode())
while b'"hello"' not in sock.recv(65536):
    pass
print("open", flush=True)
sock.recv(65536)
sys.stdin.read()
"""


def leave_by_being_killed(service: Service) -> None:
    """As the kernel ends a program."""
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


def leave_by_silence(service: Service) -> None:
    """Connected, and answering no ping."""
    with Peer(service.address) as peer:
        assert {f.opcode for f in peer.frames_to_end()} == {TEXT, PING}


@pytest.mark.parametrize(
    ("leave", "end"),
    [
        (leave_by_close, "gone"),
        (leave_by_hanging_up, "gone"),
        (leave_by_reset, "gone"),
        (leave_in_the_handshake, "gone"),
        (leave_by_being_killed, "gone"),
        (leave_by_silence, "silent"),
    ],
)
def test_nothing_is_left_of_those_who_leave(leave: Callable[[Service], None], end: str) -> None:
    """Registry, threads and descriptors are back to where they were, with a broadcast going on or not."""
    with Service(timing=Timing(ping=0.05, silence=0.3)) as service:
        threads_before, descriptors_before = our_threads(), set(descriptors().values())
        for count in (1, 4):
            leavers = [threads.start("ts-leaver", leave, service) for _ in range(count)]
            for leaver in leavers:
                leaver.join(20)
            assert eventually(lambda: service.hub.stats().clients == 0)
            assert service.viewers.wait_until_gone(10)
        stats = service.hub.stats()
        assert stats.ended == ({end: stats.registered} if stats.registered else {})
        assert stats.registered == 5 or leave is leave_in_the_handshake
        assert service.viewers.report() == []
        assert eventually(lambda: our_threads() == threads_before)
        assert eventually(lambda: set(descriptors().values()) <= descriptors_before)
        assert "clients=0" in repr(service.hub)
