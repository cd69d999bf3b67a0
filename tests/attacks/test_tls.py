"""Attacks on the running program below and within TLS.

The program's patience with a TLS handshake is a tenth of the real one's.
"""

from __future__ import annotations

import itertools
import random
import socket
import ssl
import struct
from contextlib import ExitStack

import pytest

from tests.attacks.broken import BROKEN, close_code, length_only
from tests.attacks.stalling import PATH, ROOM_BYTES, assert_reads_on
from tests.attacks.target import Target
from tests.attacks.wire import (
    dial,
    drip,
    head,
    read_to_end,
    say,
    statuses,
    talk_until_hung_up,
)
from tests.conftest import eventually
from tests.net.pairs import CERTIFICATE
from tests.websocket.peer import PING, PONG, Peer, frame, handshake

SCRIPT = """
import sys
from telemetry_stream import cli
from telemetry_stream.net import listener
listener.HANDSHAKE_SECONDS = 1.0
sys.exit(cli.main())
"""
ARGUMENTS = ("--tls-cert", str(CERTIFICATE), "--tls-key", str(CERTIFICATE))
CROWD = 200

PINGS = 15  # of the 20 frames that a viewer may send in a second


def client_hello() -> bytes:
    """What a client says first."""
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname="localhost"
    )
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def test_what_is_no_tls(target: Target) -> None:
    """Plain requests, noise, and records that are none: hung up on, without an answer of HTTP."""
    noise = random.Random(8446)
    hello = client_hello()
    bent = [bytearray(hello) for _ in range(50)]
    for words in bent:
        words[noise.randrange(len(words))] ^= 1 << noise.randrange(8)
    for said in (
        head(),
        handshake(),
        b"\x00" * 10_000,
        b"\x16\x03\x01\xff\xff" + bytes(65535),
        b"\x80\x2e\x01\x00\x02" + bytes(40),  # SSL 2
        hello * 2,
        *(noise.randbytes(300) for _ in range(50)),
        *map(bytes, bent),
    ):
        assert statuses(say(target.address, said, and_listen=False)) == []


def test_silence_and_resets_in_the_handshake(target: Target) -> None:
    """At every place of the hello: two hundred who leave, and a hundred who stay and say no more."""
    hello = client_hello()
    for cut in itertools.islice(itertools.cycle(range(0, len(hello) + 1, 5)), 200):
        with dial(target.address) as sock:
            sock.sendall(hello[:cut])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address)) for _ in range(100)]
        for i, sock in enumerate(sockets):
            sock.sendall(hello[: i * 7])
        for sock in sockets:
            read_to_end(sock)


def test_dripping_in_the_handshake(target: Target) -> None:
    """A hello that comes byte by byte has its deadline: of fifty no one gets to the end of it, and to an answer."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address)) for _ in range(50)]
        assert set(drip(sockets, client_hello())) == {b""}


def test_reading_and_writing_at_once(target: Target) -> None:
    """Forty viewers ping while they are sent samples: one object of TLS, two threads of ours."""
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(target.dial())) for _ in range(40)]
        for i in range(PINGS):
            for peer in peers:
                peer.send(frame(PING, b"%d" % i))
        for peer in peers:
            for i in range(PINGS):
                assert peer.skip_to(PONG).payload == b"%d" % i


def test_stalling_for_a_while(target: Target) -> None:
    """A record that did not fit is finished before any other, a pong's included, whoever of the two threads made it."""
    with Peer(target.dial(buffer_bytes=ROOM_BYTES), PATH) as peer:
        assert_reads_on(target, peer)


def test_broken_frames_end_with_their_code(target: Target) -> None:
    """As without TLS: the close frame is sealed and sent before the connection ends."""
    for name, (words, code) in BROKEN.items():
        with Peer(target.dial()) as peer:
            peer.send(words)
            assert close_code(peer) == code, name


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        (b"", frame(PING, b"hello") * 100, "policy"),
        (length_only(1 << 40), b"x" * 65536, "too big"),
    ],
    ids=["pings", "one frame without end"],
)
def test_flood_ends_the_viewer(first: bytes, then: bytes, words: str, target: Target) -> None:
    """Ten at a time, whose records have to be opened before anybody can count what is in them, are gone at once."""
    before = target.ended(words)
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(target.dial())) for _ in range(10)]
        for peer in peers:
            peer.send(first)
            talk_until_hung_up(peer.send, then)
    assert eventually(lambda: target.ended(words) == before + 10)


def test_byte_by_byte(target: Target) -> None:
    """A slow talker, with a record for each byte, is understood."""
    with Peer(target.dial()) as peer:
        for byte in frame(PING, b"drip"):
            peer.send(bytes((byte,)))
        assert peer.skip_to(PONG).payload == b"drip"


def test_many_frames_in_one_record(target: Target) -> None:
    """What has been decrypted with the first is seen without another byte on the wire."""
    with Peer(target.dial(), trailing=frame(PING, b"a")) as peer:
        peer.send(b"".join(frame(PING, b"%d" % i) for i in range(PINGS)))
        for word in (b"a", *(b"%d" % i for i in range(PINGS))):
            assert peer.skip_to(PONG).payload == word


def sealed(below: socket.socket, words: bytes) -> bytes:
    """The record that says ``words`` to the server at the other end, after a handshake with it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=CERTIFICATE)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            below.sendall(outgoing.read())
            incoming.write(below.recv(65536))
    tls.write(words)
    return outgoing.read()


def test_cut_off_without_goodbye(target: Target) -> None:
    """The end of the connection below TLS, between records or in one; and a record that was changed on its way."""
    for cut, change in ((0, 0), (1, 0), (20, 0), (0, 1)):
        with dial(target.address) as below:
            record = bytearray(sealed(below, head("GET /healthz HTTP/1.1")))
            record[-1] ^= change
            below.sendall(record[: len(record) - cut])
            below.shutdown(socket.SHUT_WR)
            read_to_end(below)
