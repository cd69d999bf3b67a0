"""Connection: how it finds a viewer alive, its two threads, and what surrounds the handshake, on real sockets."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client, End
from telemetry_stream.net.transport import Transport
from telemetry_stream.websocket.connection import Connection, ThreadUnavailableError, Timing
from tests.conftest import eventually, our_threads
from tests.net.pairs import tcp_pair
from tests.server.service import Service, message
from tests.websocket.peer import CONTINUATION, KEY, PING, PONG, TEXT, Peer, frame, handshake

DOCUMENT = Path(__file__).parents[2] / "docs/protocol.md"


# Being alive.


def test_ping_at_the_interval_and_silence_ends_it() -> None:
    """A viewer that answers no ping is dropped without a goodbye: there is nobody to tell."""
    with (
        Service(timing=Timing(ping=0.02, silence=0.15)) as service,
        Peer(service.address) as peer,
    ):
        assert peer.message()["type"] == "hello"
        frames = peer.frames_to_end()
        assert len(frames) >= 3
        assert {(f.opcode, f.payload) for f in frames} == {(PING, b"")}
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"silent": 1}


def test_pongs_keep_it() -> None:
    """Each pong moves the deadline."""
    with (
        Service(timing=Timing(ping=0.05, silence=0.5)) as service,
        Peer(service.address) as peer,
    ):
        begun = time.monotonic()
        while time.monotonic() < begun + 0.8:
            peer.skip_to(PING)
            peer.send(frame(PONG))
        assert service.hub.stats().clients == 1


def test_real_client_is_kept_by_its_pongs() -> None:
    """The ``websockets`` package answers pings by itself."""
    with (
        Service(timing=Timing(ping=0.05, silence=0.5)) as service,
        service.viewer() as viewer,
    ):
        assert message(viewer)["type"] == "hello"
        with pytest.raises(TimeoutError):
            viewer.recv(timeout=0.8)
        assert service.hub.stats().clients == 1


def test_ping_is_answered_with_its_payload() -> None:
    """Also in the middle of a fragmented message of the viewer's."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(frame(TEXT, b"half", fin=False) + frame(PING, b"now") + frame(CONTINUATION))
        assert peer.skip_to(PONG).payload == b"now"


@contextmanager
def bare(timing: Timing) -> Iterator[tuple[Transport, Client, Peer, threading.Thread]]:
    """A connection without hub or stream, whose viewer has small buffers."""
    accepted, sock = tcp_pair(4096)
    transport = Transport(accepted)
    head = handshake()
    client = Client(transport.try_send)

    def serve() -> None:
        assert transport.recv(4096, time.monotonic() + 10) == head
        try:
            Connection(transport, KEY, client, number=12_345, timing=timing).serve(lambda: None)
        finally:
            transport.close()

    thread = threads.start("ts-conn1", serve)
    with Peer(sock) as peer:
        yield transport, client, peer, thread
    thread.join(10)
    assert not thread.is_alive()


def test_viewer_that_pings_without_reading_is_evicted() -> None:
    """The write deadline covers pongs: the read pump is never stuck in one."""
    with bare(Timing(write=0.1)) as (transport, client, peer, thread):
        megabyte = b"\x82\x7f" + (1 << 20).to_bytes(8, "big") + bytes(1 << 20)
        assert eventually(lambda: transport.try_send(megabyte))
        assert not client.queue.unfinished_tasks  # so it is the pong alone that waits
        peer.send(frame(PING))
        thread.join(10)
        assert client.end is End.SLOW_CONSUMER


def test_threads_are_two_and_named() -> None:
    """Two per viewer, none hidden, and the names fit the kernel's 15 bytes."""
    before = our_threads()
    with bare(Timing()):
        names = {thread.name for thread in our_threads() - before}
        assert names == {"ts-ws2345-read", "ts-ws2345-write"}


def test_no_thread_for_the_write_pump(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says so before a byte is sent, with the client ended."""

    def start(*_: object) -> threading.Thread:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "start", start)
    monkeypatch.setattr(threads, "rename", lambda _: None)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        transport = Transport(ours)
        client = Client(transport.try_send)
        with pytest.raises(ThreadUnavailableError, match="can't start new thread"):
            Connection(transport, KEY, client, number=1).serve(lambda: None)
        assert transport.bytes_sent == 0
        assert client.end is End.CRASHED


# The handshake's surroundings.


def test_frames_in_the_handshakes_segment_are_seen() -> None:
    """One whole frame there, and half of one whose rest comes later."""
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
    """One frame fits all viewers, and no viewer can send a bomb."""
    with (
        Service() as service,
        Peer(service.address, headers=f"Sec-WebSocket-Extensions: {offer}\r\n") as peer,
    ):
        assert b"sec-websocket-extensions" not in peer.head.lower()
        assert peer.message()["type"] == "hello"


def test_both_client_libraries_get_the_stream() -> None:
    """``websockets`` with its offer of compression, and ``websocket-client``."""
    with Service() as service:
        service.publish()
        with service.viewer(compression="deflate") as viewer, service.other_viewer() as other:
            assert viewer.response is not None
            assert "Sec-WebSocket-Extensions" not in viewer.response.headers
            for receive in (lambda: message(viewer), lambda: json.loads(other.recv())):
                assert receive()["type"] == "hello"
                assert receive()["seq"] == 1


def test_default_timing_is_what_the_protocol_promises() -> None:
    """Every number of it that a client can see, as the chapter on keeping a connection gives it."""
    chapter = DOCUMENT.read_text().partition("## 6.")[2].partition("## 7.")[0]
    found = re.search(
        r"pings every (\d+) s\b.* (\d+) s after its last pong.*within (\d+) s\b", chapter, re.DOTALL
    )
    assert found
    ping, silence, write = map(float, found.groups())
    promised = Timing(ping, silence, write, close=1.0)
    assert Timing() == promised
    assert promised.silence > promised.ping
