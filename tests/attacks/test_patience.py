"""Attacks on the running program by those who make it wait: for a head, a next one, a pong, or room in a socket.

The program's patience is a fraction of the real one's, so that the tests need not wait for it.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack

from tests.attacks.stalling import PATH, ROOM_BYTES, assert_whole, pongs, stall
from tests.attacks.target import Target
from tests.attacks.wire import dial, drip, head, pause, read_to_end, statuses
from tests.conftest import eventually
from tests.websocket.peer import CLOSE, PING, Peer, frame

TOO_SLOW = 4008

SCRIPT = """
import sys
from functools import partial
from telemetry_stream import app, cli
from telemetry_stream.net import http
app.Timing = partial(app.Timing, ping=2.0, silence=4.0, write=1.0, close=0.1)
http.Limits = partial(http.Limits, idle_seconds=1.0, write_seconds=1.0)
sys.exit(cli.main())
"""
ARGUMENTS = ("--head-seconds", "2")
CROWD = 200


def test_slowloris_by_200(target: Target) -> None:
    """A head that never ends has its deadline, however it drips: 408, and the end."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address)) for _ in range(200)]
        for sock in sockets:
            sock.sendall(head()[:-2])
        heard = drip(sockets, b"X: y\r\n")
    assert {status for answer in heard for status in statuses(answer)} == {408}


def test_silent_connections(target: Target) -> None:
    """Who connects and says nothing is hung up on without a word."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address)) for _ in range(100)]
        assert {read_to_end(sock) for sock in sockets} == {b""}


def test_idle_after_a_request(target: Target) -> None:
    """Who keeps a connection after an answer, and asks no more, is hung up on without a word: no 408 is due."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address)) for _ in range(50)]
        for sock in sockets:
            sock.sendall(head("GET /healthz HTTP/1.1"))
        assert {tuple(statuses(read_to_end(sock))) for sock in sockets} == {(200,)}


def deaf(target: Target, request: bytes) -> socket.socket:
    """A connection with as little room as the kernel allows, that asks and never reads."""
    sock = dial(target.address, buffer_bytes=2048)
    sock.sendall(request)
    return sock


def test_deaf_readers_of_every_kind(target: Target) -> None:
    """Of the stream as lines and of a history by the megabyte: ended at the write deadline."""
    before = target.ended("too slow")
    requests = [
        head("GET /api/v1/stream HTTP/1.1"),
        head("GET /api/v1/history HTTP/1.1") * 100,
    ]
    with ExitStack() as stack:
        for request in requests * 5:
            stack.enter_context(deaf(target, request))
        for _ in range(5):
            stack.enter_context(Peer(target.address, buffer_bytes=2048))
        assert eventually(lambda: target.ended("too slow") == before + 10, 20)
        assert eventually(lambda: target.footprint().threads["ts-connN"] == 0)


def test_deaf_pingers(target: Target) -> None:
    """Who pings on and does not read the pongs is as deaf as the others."""
    before = target.ended("too slow")
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(target.address, buffer_bytes=2048)) for _ in range(5)]
        talking = set(peers)
        while talking:
            for peer in list(talking):
                try:
                    peer.send(frame(PING, b"x" * 125))
                except ConnectionError:
                    talking.discard(peer)
            pause.wait(0.1)
    assert eventually(lambda: target.ended("too slow") == before + 5)


def test_stalled_for_too_long(target: Target) -> None:
    """Who stalls and pings on, and reads after it was shown out, finds whole frames up to the close frame."""
    before = target.ended("too slow")
    with Peer(target.address, PATH, buffer_bytes=ROOM_BYTES) as peer:
        said = stall(target, peer)
        assert eventually(lambda: target.ended("too slow") == before + 1)
        *frames, last = peer.frames_to_end()
    assert (last.opcode, last.code) == (CLOSE, TOO_SLOW)
    assert_whole(frames, dropped=0)
    assert pongs(frames) == said[: len(pongs(frames))]


def test_half_open_viewers(target: Target) -> None:
    """Who answers no ping is gone, however diligently it reads: so do those whose cable was pulled look."""
    before = target.ended("silent")
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(target.address, "/ws?every=10")) for _ in range(20)]
        for peer in peers:
            assert peer.frames_to_end()
    assert eventually(lambda: target.ended("silent") == before + 20)


def test_close_without_an_answer(target: Target) -> None:
    """Whom the program closes, and who neither reads nor answers, is let go all the same."""
    before = target.ended("policy")
    with ExitStack() as stack:
        for _ in range(20):
            peer = stack.enter_context(Peer(target.address, buffer_bytes=2048))
            peer.send(frame(PING) * 21)
        assert eventually(lambda: target.ended("policy") == before + 20)
        assert eventually(lambda: target.footprint().threads["ts-wsN-read"] == 1)
