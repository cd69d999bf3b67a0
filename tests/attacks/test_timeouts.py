"""Attacks on the running program by clients that let it wait: for a request, a pong, or room in a socket.

Each test waits for one timeout, which is a fraction of the usual one for clients with a certain address: so no other
client, such as the honest viewer, is affected by it when this machine is slow.
"""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack

from tests.attacks.stalling import BUFFER_BYTES, PATH, missing, pongs, stall
from tests.attacks.target import Target
from tests.attacks.wire import dial, drip, head, pause, read_to_end, statuses
from tests.conftest import eventually
from tests.websocket.peer import CLOSE, PING, Peer, frame

TOO_SLOW = 4008

# The addresses of clients for which one timeout is short. All of 127.0.0.0/8 is this host.
HEAD, IDLE, WRITE, SILENCE, CLOSING = (f"127.0.1.{number}" for number in range(1, 6))

SCRIPT = f"""
import sys
from telemetry_stream import cli
from telemetry_stream.net import http
from telemetry_stream.server import lines, viewers
from telemetry_stream.websocket.connection import Timing
LIMITS = {{
    {HEAD!r}: {{"head_seconds": 1.0}},
    {IDLE!r}: {{"idle_seconds": 1.0}},
    {WRITE!r}: {{"write_seconds": 1.0}},
}}
TIMINGS = {{
    {WRITE!r}: Timing(write=1.0, close=0.1),
    {SILENCE!r}: Timing(ping=1.0, silence=2.0),
    {CLOSING!r}: Timing(close=0.1),
}}
def limited(serve):
    def replacement(transport, routes, limits, headers):
        short = LIMITS.get(transport.peer_address[0], {{}})
        serve(transport, routes, limits._replace(**short), headers)
    return replacement
def timed(serve):
    def replacement(transport, *arguments, timing, **named):
        timing = TIMINGS.get(transport.peer_address[0], timing)
        return serve(transport, *arguments, timing=timing, **named)
    return replacement
http.serve = limited(http.serve)
lines.serve = timed(lines.serve)
viewers.Connection = timed(viewers.Connection)
sys.exit(cli.main())
"""
CROWD = 200


def test_slowloris_by_200(target: Target) -> None:
    """A head that never ends has a deadline, which counts while bytes arrive: 408, and the end."""
    with ExitStack() as stack:
        sockets = []
        for _ in range(200):
            sockets.append(stack.enter_context(dial(target.address, source=HEAD)))
            sockets[-1].sendall(head()[:-2])
        answers = drip(sockets, b"X: y\r\n")
    assert {status for answer in answers for status in statuses(answer)} == {408}


def test_silent_connections(target: Target) -> None:
    """A client that sends nothing is disconnected without an answer."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address, source=HEAD)) for _ in range(100)]
        assert {read_to_end(sock) for sock in sockets} == {b""}


def test_idle_after_a_request(target: Target) -> None:
    """A client that sends no second request is disconnected without an answer: a 408 would be wrong."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address, source=IDLE)) for _ in range(50)]
        for sock in sockets:
            sock.sendall(head("GET /healthz HTTP/1.1"))
        assert {tuple(statuses(read_to_end(sock))) for sock in sockets} == {(200,)}


def stuck_reader(target: Target, request: bytes) -> socket.socket:
    """Send a request on a connection with the smallest receive buffer, which is never read."""
    sock = dial(target.address, buffer_bytes=2048, source=WRITE)
    sock.sendall(request)
    return sock


def viewer(target: Target, source: str, *, buffer_bytes: int = 2048, path: str = "/ws") -> Peer:
    """Connect a viewer with this address."""
    return Peer(dial(target.address, buffer_bytes=buffer_bytes, source=source), path)


def test_stuck_readers_of_every_kind(target: Target) -> None:
    """Of WebSockets, of JSON lines, and of megabytes of history: all are disconnected at the write deadline."""
    before = target.ended("too slow")
    requests = [
        head("GET /api/v1/stream HTTP/1.1"),
        head("GET /api/v1/history HTTP/1.1") * 100,
    ]
    with ExitStack() as stack:
        for request in requests * 5:
            stack.enter_context(stuck_reader(target, request))
        for _ in range(5):
            stack.enter_context(viewer(target, WRITE))
        assert eventually(lambda: target.ended("too slow") == before + 10, 20)
        assert eventually(lambda: target.footprint().threads["ts-connN"] == 0)


def test_viewers_that_ping_without_reading(target: Target) -> None:
    """A viewer that does not read its pongs is evicted like any other slow consumer."""
    before = target.ended("too slow")
    with ExitStack() as stack:
        peers = [stack.enter_context(viewer(target, WRITE)) for _ in range(5)]
        sending = set(peers)
        while sending:
            for peer in list(sending):
                try:
                    peer.send(frame(PING, b"x" * 125))
                except ConnectionError:
                    sending.discard(peer)
            pause.wait(0.1)
    assert eventually(lambda: target.ended("too slow") == before + 5)


def test_stalled_for_too_long(target: Target) -> None:
    """A viewer that stalls, and reads after its eviction, gets whole frames up to the close frame."""
    before = target.ended("too slow")
    with viewer(target, WRITE, buffer_bytes=BUFFER_BYTES, path=PATH) as peer:
        host, port = peer.sock.getsockname()
        payloads = stall(target, peer)
        assert eventually(lambda: target.ended("too slow") == before + 1)
        *frames, last = peer.frames_to_end()
    assert (last.opcode, last.code) == (CLOSE, TOO_SLOW)
    end = rf" {host}:{port} ended: too slow .* (\d+) dropped"
    assert eventually(lambda: re.search(end, target.program.log))
    # Those that were dropped before the last frame; all later ones are dropped, too.
    assert missing(frames) <= int(re.findall(end, target.program.log)[0])
    assert pongs(frames) == payloads[: len(pongs(frames))]


def test_half_open_viewers(target: Target) -> None:
    """A viewer that answers no ping is disconnected, even if it reads: its cable may be unplugged."""
    before = target.ended("silent")
    with ExitStack() as stack:
        path = "/ws?every=10"
        peers = [stack.enter_context(viewer(target, SILENCE, path=path)) for _ in range(20)]
        for peer in peers:
            assert peer.frames_to_end()
    assert eventually(lambda: target.ended("silent") == before + 20)


def test_close_without_an_answer(target: Target) -> None:
    """A viewer that neither reads nor answers a close frame is disconnected all the same."""
    before = target.ended("policy")
    with ExitStack() as stack:
        for _ in range(20):
            peer = stack.enter_context(viewer(target, CLOSING))
            peer.send(frame(PING) * 21)
        assert eventually(lambda: target.ended("policy") == before + 20)
        assert eventually(lambda: target.footprint().threads["ts-wsN-read"] == 1)
