"""Connection: pings and silence, its two threads, and the bytes around the handshake, on real sockets."""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client, End
from telemetry_stream.net.transport import Transport
from telemetry_stream.threads import ThreadUnavailableError
from telemetry_stream.websocket import connection as connection_module
from telemetry_stream.websocket.connection import Connection, Timing
from telemetry_stream.websocket.quota import Allowance
from tests.conftest import eventually, our_threads
from tests.net.pairs import tcp_pair
from tests.server.service import Service, message
from tests.websocket.bare import bare, refuse_write_pumps
from tests.websocket.peer import CONTINUATION, KEY, PING, PONG, TEXT, Peer, frame

DOCUMENT = Path(__file__).parents[2] / "docs/protocol.md"


# Pings and pongs.


def test_a_viewer_that_answers_no_ping_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings are sent at the interval. There is no close frame, because the viewer would not read it."""
    behind_seconds = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() - behind_seconds)
    monkeypatch.setattr(connection_module, "time", clock)
    timing = Timing(ping=0.02, silence=60.0)
    with Service(timing=timing) as service, Peer(service.address) as peer:
        assert peer.message()["type"] == "hello"
        frames = [peer.frame() for _ in range(3)]
        behind_seconds = timing.silence
        # The last one was a minute ago, as if no ping had been answered since.
        peer.send(frame(PONG))
        frames += peer.frames_to_end()
        assert {(f.opcode, f.payload) for f in frames} == {(PING, b"")}
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"silent": 1}


@pytest.fixture
def deadlines(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The deadlines of all reads, in monotonic seconds."""
    found: list[float] = []
    recv = Transport.recv

    def note_and_recv(transport: Transport, size: int, deadline: float) -> bytes:
        found.append(deadline)
        return recv(transport, size, deadline)

    monkeypatch.setattr(Transport, "recv", note_and_recv)
    return found


def distant(deadlines: list[float]) -> set[float]:
    """Return those that are as far away as a silence may last."""
    earliest = time.monotonic() + Timing().silence / 2
    return {deadline for deadline in deadlines if deadline > earliest}


def test_a_viewer_that_sends_pongs_stays_connected(deadlines: list[float]) -> None:
    """Each pong extends the silence deadline."""
    with Service(timing=Timing(ping=0.02)) as service, Peer(service.address) as peer:
        for number in range(1, 5):
            # The first deadline counts from the handshake. Before that, there are those of the request.
            assert eventually(lambda number=number: len(distant(deadlines)) == number)  # type: ignore[misc]
            peer.skip_to(PING)
            peer.send(frame(PONG))
        assert service.hub.stats().clients == 1


def test_a_real_client_stays_connected(deadlines: list[float]) -> None:
    """The ``websockets`` package answers pings by itself."""
    with Service(timing=Timing(ping=0.02)) as service, service.viewer() as viewer:
        assert message(viewer)["type"] == "hello"
        assert eventually(lambda: len(distant(deadlines)) > 3)
        assert service.hub.stats().clients == 1


def test_a_ping_is_answered_with_its_payload() -> None:
    """Also between the fragments of a message."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(frame(TEXT, b"half", fin=False) + frame(PING, b"now") + frame(CONTINUATION))
        assert peer.skip_to(PONG).payload == b"now"


def test_a_viewer_that_pings_without_reading_is_evicted() -> None:
    """The write deadline is valid for pongs, too, so the read pump cannot block in one."""
    with bare(Timing(write=0.1)) as bare_connection:
        client = bare_connection.client
        megabyte = b"\x82\x7f" + (1 << 20).to_bytes(8, "big") + bytes(1 << 20)
        assert eventually(lambda: bare_connection.transport.try_send(megabyte))
        assert not client.queue.unfinished_tasks  # so only the pong waits
        bare_connection.peer.send(frame(PING))
        assert eventually(lambda: client.end is End.SLOW_CONSUMER)


# Threads.


def test_a_viewer_has_two_threads() -> None:
    """Their names fit into the kernel's 15 bytes, whatever the viewer's number."""
    before = our_threads()
    with bare(Timing()):
        names = {thread.name for thread in our_threads() - before}
        assert names == {"ts-ws2345-read", "ts-ws2345-write"}


def enter(
    sock: socket.socket, error: type[Exception], *, resetting: socket.socket | None = None
) -> tuple[Transport, Client]:
    """Enter a connection on this socket, which must fail with ``error``; its peer may reset it before."""
    transport = Transport(sock)
    if resetting is not None:
        resetting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        resetting.close()
    client = Client(transport.try_send)
    connection = Connection(
        transport, KEY, client, number=1, timing=Timing(), allowance=Allowance()
    )
    failures: list[BaseException] = []

    def run() -> None:
        with pytest.raises(error), connection:
            pass

    threads.start("ts-conn1", run, on_crash=failures.append).join(10)
    assert not failures
    return transport, client


def test_without_a_write_pump_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the answer can still be a 503. The client is ended."""
    refuse_write_pumps(monkeypatch)
    ours, theirs = tcp_pair()
    with ours, theirs:
        transport, client = enter(ours, ThreadUnavailableError)
        assert transport.bytes_sent == 0
        assert client.end is End.CRASHED


def test_a_peer_that_is_gone_before_the_handshake_is_answered_leaves_no_thread() -> None:
    """The write pump has started already, and ends."""
    before = our_threads()
    ours, theirs = tcp_pair()
    with ours:
        _, client = enter(ours, OSError, resetting=theirs)
        assert client.end is End.GONE
        assert our_threads() == before


# Around the handshake.


def test_no_ping_precedes_the_answer_to_the_handshake() -> None:
    """A ping is due all the time. Twenty viewers, because the write pump and the answer race each other."""
    with Service(timing=Timing(ping=0.0)) as service:
        for _ in range(20):
            with Peer(service.address) as peer:
                assert peer.head.startswith(b"HTTP/1.1 101 ")


def test_frames_in_the_segment_of_the_handshake_are_read() -> None:
    """One whole frame, and half of one whose rest arrives later."""
    second = frame(PING, b"second")
    with (
        Service() as service,
        Peer(service.address, trailing=frame(PING, b"first") + second[:5]) as peer,
    ):
        assert peer.skip_to(PONG).payload == b"first"
        peer.send(second[5:])
        assert peer.skip_to(PONG).payload == b"second"


@pytest.mark.parametrize(
    "offer", ["permessage-deflate", "permessage-deflate; client_max_window_bits=abc", "x" * 2000]
)
def test_extensions_are_not_negotiated(offer: str) -> None:
    """The same frame must be right for all viewers, and no viewer may send a compressed bomb."""
    with (
        Service() as service,
        Peer(service.address, headers=f"Sec-WebSocket-Extensions: {offer}\r\n") as peer,
    ):
        assert b"sec-websocket-extensions" not in peer.head.lower()
        assert peer.message()["type"] == "hello"


def test_two_client_libraries_receive_the_stream() -> None:
    """``websockets``, which offers compression, and ``websocket-client``."""
    with Service() as service:
        service.publish()
        with service.viewer(compression="deflate") as viewer, service.other_viewer() as other:
            assert viewer.response is not None
            assert "Sec-WebSocket-Extensions" not in viewer.response.headers
            for receive in (lambda: message(viewer), lambda: json.loads(other.recv())):
                assert receive()["type"] == "hello"
                assert receive()["seq"] == 1


def test_the_default_timing_is_what_the_protocol_documents() -> None:
    """Every number that a client can observe, in the chapter about keeping a connection."""
    chapter = DOCUMENT.read_text().partition("## 6.")[2].partition("## 7.")[0]
    found = re.search(
        r"ping every (\d+) s\b.* (\d+) s after the last pong.*within (\d+) s\b", chapter, re.DOTALL
    )
    assert found
    ping, silence, write = map(float, found.groups())
    assert Timing() == Timing(ping, silence, write)
    assert silence > ping
