"""Connection: what viewers on real sockets get, and how each of them ends."""

from __future__ import annotations

import itertools
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
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
from tests.websocket.peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KEY,
    PING,
    PONG,
    TEXT,
    Peer,
    frame,
    handshake,
)

DOCUMENT = Path(__file__).parents[2] / "docs/protocol.md"
PAD_BYTES = 64 * 1024  # with a small receive buffer, a stalled viewer's socket holds three or four


# A fast and a slow viewer.


def stall(service: Service, fast: Callable[[], object], drops: int) -> None:
    """Broadcast until a viewer that does not read has lost so many frames; ``fast`` reads each."""
    for _ in range(1000):
        service.publish(pad=PAD_BYTES)
        fast()
        if service.hub.stats().dropped >= drops:
            return
    pytest.fail("the stalled viewer has lost nothing")


def test_fast_viewer_gets_ten_of_ten_while_a_slow_one_is_stalled() -> None:
    """What the slow one loses is counted, on it and in total; the fast one loses nothing."""
    with (
        Service(grace_seconds=0.01) as service,
        Peer(service.address, buffer_bytes=4096),
        service.viewer(max_size=None) as fast,
    ):
        assert message(fast)["type"] == "hello"
        stall(service, lambda: message(fast), 1)
        slow = service.hub.clients()[0]
        assert eventually(lambda: not slow.in_grace)
        before = slow.dropped
        first = service.stream.seq + 1
        service.publish(10, pad=PAD_BYTES)
        assert [message(fast)["seq"] for _ in range(10)] == list(range(first, first + 10))
        assert eventually(lambda: service.hub.stats().dropped == before + 10)
        slow_report, fast_report = service.viewers.report()
        assert slow_report["dropped_frames"] == before + 10
        assert fast_report["dropped_frames"] == 0


def test_slow_viewer_is_evicted_at_the_write_deadline(caplog: pytest.LogCaptureFixture) -> None:
    """The reason is in the log and in the counters, and its threads and descriptor are free again."""
    caplog.set_level(logging.INFO, "telemetry_stream")
    with (
        Service(timing=Timing(write=0.1), grace_seconds=0.01) as service,
        service.viewer(max_size=None) as fast,
        Peer(service.address, buffer_bytes=4096) as slow,
    ):
        assert message(fast)["type"] == "hello"
        assert slow.message()["type"] == "hello"
        stall(service, lambda: message(fast), 1)
        assert eventually(lambda: service.hub.stats().ended == {"too slow": 1})
        assert eventually(lambda: [c.name[:3] for c in service.hub.clients()] == ["ws1"])
        assert eventually(lambda: not any("ts-ws2" in thread.name for thread in our_threads()))
        (end,) = (r for r in caplog.records if "ended: too slow" in r.getMessage())
        assert end.levelno == logging.WARNING
        assert "ws2 127.0.0.1:" in end.getMessage()
        seq = service.publish()
        assert message(fast)["seq"] == seq


def test_evicted_viewer_that_reads_again_is_told_why() -> None:
    """Its socket was full; what it held comes whole, and then 4008, though the connection is long over here."""
    with (
        Service(timing=Timing(write=0.1, close=0.1), grace_seconds=0.01) as service,
        service.viewer(max_size=None) as fast,
        Peer(service.address) as slow,
    ):
        assert message(fast)["type"] == "hello"
        assert slow.message()["type"] == "hello"
        stall(service, lambda: message(fast), 1)
        assert eventually(lambda: service.hub.stats().ended == {"too slow": 1})
        *samples, last = slow.frames_to_end()
        assert [frame.opcode for frame in samples] == [TEXT] * len(samples)
        seqs = [json.loads(frame.payload)["seq"] for frame in samples]
        assert seqs == list(range(1, len(seqs) + 1))
        assert (last.opcode, last.code) == (CLOSE, 4008)


def test_slow_viewer_that_recovers_sees_one_hole() -> None:
    """Frames stay in order, and the hole is exactly as large as its count of drops."""
    with (
        Service(grace_seconds=0.01) as service,
        Peer(service.address, buffer_bytes=4096) as slow,
        service.viewer(max_size=None) as fast,
    ):
        assert message(fast)["type"] == "hello"
        assert slow.message()["type"] == "hello"
        client = service.hub.clients()[0]
        stall(service, lambda: message(fast), 5)
        assert eventually(lambda: not client.in_grace)
        dropped = client.dropped
        seqs = [slow.message()["seq"] for _ in range(service.stream.seq - dropped)]
        service.publish(5)
        seqs += [slow.message()["seq"] for _ in range(5)]
        steps = [later - earlier for earlier, later in itertools.pairwise(seqs)]
        assert [step for step in steps if step != 1] == [dropped + 1]
        assert client.dropped == dropped


def watch(service: Service, samples: int, paced: threading.Semaphore) -> None:
    """Come, see so many consecutive samples, leave; ``paced`` is told of the hello and of each sample."""
    with service.viewer() as viewer:
        assert message(viewer)["type"] == "hello"
        paced.release()
        seqs = []
        for _ in range(samples):
            seqs.append(message(viewer)["seq"])
            paced.release()
    assert seqs == list(range(seqs[0], seqs[0] + samples))


def test_hundred_viewers_come_and_go_during_a_broadcast() -> None:
    """Half of them stay, half come twice: nobody errs, and each sees consecutive samples all its time."""
    errors: list[BaseException] = []
    paced, unpaced = threading.Semaphore(0), threading.Semaphore(0)

    def come_twice() -> None:
        watch(service, 2, unpaced)
        watch(service, 3, unpaced)

    def wait_for_all_who_stay() -> None:
        for _ in range(50):
            assert paced.acquire(timeout=30)

    with Service() as service:
        stayers = [
            threads.start("ts-stayer", watch, service, 110, paced, on_crash=errors.append)
            for _ in range(50)
        ]
        wait_for_all_who_stay()
        comers = [threads.start("ts-comer", come_twice, on_crash=errors.append) for _ in range(50)]
        for _ in range(110):
            service.publish()
            wait_for_all_who_stay()
        assert eventually(lambda: service.publish() and not any(t.is_alive() for t in comers), 30)
        for stayer in stayers:
            stayer.join(30)
        assert not errors
        assert service.viewers.wait_until_gone(10)
        stats = service.hub.stats()
        assert (stats.clients, stats.registered, stats.dropped) == (0, 150, 0)


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


# What a viewer may not do.


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(30 * frame(TEXT, b"hi"), id="messages"),
        pytest.param(30 * frame(PING, b"?"), id="pings"),
        pytest.param(30 * frame(PONG), id="pongs"),
        pytest.param(
            frame(TEXT, fin=False) + 30 * frame(CONTINUATION, fin=False), id="empty fragments"
        ),
        pytest.param(40 * frame(BINARY, bytes(500)), id="bytes"),
    ],
)
def test_flood_ends_with_1008(flood: bytes) -> None:
    """A viewer has nothing to say; one that talks all the time costs us a core."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(flood)
        goodbye = peer.frames_to_end()[-1]
        assert (goodbye.opcode, goodbye.payload) == (CLOSE, b"\x03\xf0policy")
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"policy": 1}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(TEXT, b"x" * 513), id="one frame"),
        pytest.param(frame(BINARY, b"x" * 513), id="binary"),
        pytest.param(frame(TEXT, ("\N{GRINNING FACE}" * 128 + "x").encode()), id="129 characters"),
        pytest.param(
            frame(TEXT, b"x" * 300, fin=False) + frame(CONTINUATION, b"x" * 300), id="two"
        ),
    ],
)
def test_long_message_ends_with_1009(data: bytes) -> None:
    """Also when it comes in fragments that are short each."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(data)
        assert peer.skip_to(CLOSE).code == 1009
        assert peer.frames_to_end() == []
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"too big": 1}


def test_short_messages_are_thrown_away() -> None:
    """Up to 512 bytes are taken, and nothing comes of them."""
    with Service() as service, Peer(service.address) as peer:
        faces = ("\N{GRINNING FACE}" * 128).encode()
        for data in (frame(TEXT, b"x" * 512), frame(BINARY, b"x" * 512), frame(TEXT, faces)):
            peer.send(data)
        peer.send(frame(TEXT, faces[:256], fin=False) + frame(CONTINUATION, faces[256:]))
        peer.send(frame(PING, b"still here"))
        assert peer.skip_to(PONG).payload == b"still here"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\x81\x02hi", 1002, id="unmasked"),
        pytest.param(b"\xc1\x80" + bytes(4), 1002, id="compressed, not negotiated"),
        pytest.param(frame(0x3), 1002, id="unknown opcode"),
        pytest.param(frame(PING, fin=False), 1002, id="fragmented ping"),
        pytest.param(frame(TEXT, b"\xff"), 1007, id="no UTF-8"),
    ],
)
def test_broken_frame_ends_with_its_code(data: bytes, code: int) -> None:
    """RFC 6455 section 7.4.1; and the next viewer is served."""
    with Service() as service:
        with Peer(service.address) as peer:
            peer.send(data)
            assert peer.skip_to(CLOSE).code == code
            assert peer.frames_to_end() == []
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"


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
