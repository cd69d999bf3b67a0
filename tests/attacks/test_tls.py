"""Attacks on the running program below and within TLS.

The timeout of a TLS handshake is a tenth of the usual one for clients with the address ``HASTY``: so no other client,
such as the honest viewer, is affected by it when this machine is slow.
"""

from __future__ import annotations

import itertools
import random
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.attacks.broken import BROKEN, close_code, length_only
from tests.attacks.load import Load
from tests.attacks.stalling import BUFFER_BYTES, PATH, assert_intact_after_stall
from tests.attacks.target import Target
from tests.attacks.test_load import SECONDS, connections
from tests.attacks.wire import (
    dial,
    drip,
    exchange,
    head,
    read_to_end,
    send_until_closed,
    statuses,
)
from tests.conftest import eventually
from tests.net.key_updates import KeyUpdates
from tests.net.pairs import CERTIFICATE
from tests.websocket.peer import PING, PONG, Peer, frame, handshake

HASTY = "127.0.1.1"
SCRIPT = f"""
import sys, time
from telemetry_stream import cli
from telemetry_stream.net.tls import TlsTransport
usual = TlsTransport.handshake
def handshake(transport, deadline):
    if transport.peer_address[0] == {HASTY!r}:
        deadline = time.monotonic() + 1.0
    usual(transport, deadline)
TlsTransport.handshake = handshake
sys.exit(cli.main())
"""
ARGUMENTS = ("--tls-cert", str(CERTIFICATE), "--tls-key", str(CERTIFICATE))
CROWD = 200

PINGS = 15  # of the 20 frames that a viewer may send in a second


def client_hello() -> bytes:
    """Return the first message of a client."""
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname="localhost"
    )
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def test_input_that_is_no_tls(target: Target) -> None:
    """Plain requests, noise, and damaged records: the connection ends without an HTTP answer."""
    noise = random.Random(8446)
    hello = client_hello()
    damaged = [bytearray(hello) for _ in range(50)]
    for data in damaged:
        data[noise.randrange(len(data))] ^= 1 << noise.randrange(8)
    for record in (
        head(),
        handshake(),
        b"\x00" * 10_000,
        b"\x16\x03\x01\xff\xff" + bytes(65535),
        b"\x80\x2e\x01\x00\x02" + bytes(40),  # SSL 2
        hello * 2,
        *(noise.randbytes(300) for _ in range(50)),
        *map(bytes, damaged),
    ):
        assert statuses(exchange(target.address, record, half_close=True)) == []


def test_silence_and_resets_in_the_handshake(target: Target) -> None:
    """At every place of the hello: 200 clients leave, and 100 stay and send no more."""
    hello = client_hello()
    for cut in itertools.islice(itertools.cycle(range(0, len(hello) + 1, 5)), 200):
        with dial(target.address) as sock:
            sock.sendall(hello[:cut])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address, source=HASTY)) for _ in range(100)]
        for i, sock in enumerate(sockets):
            sock.sendall(hello[: i * 7])
        for sock in sockets:
            read_to_end(sock)


def test_dripping_in_the_handshake(target: Target) -> None:
    """A hello that arrives byte by byte has a deadline: none of 50 clients gets an answer."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address, source=HASTY)) for _ in range(50)]
        assert set(drip(sockets, client_hello())) == {b""}


@connections
def test_repeated_handshakes(
    target: Target, record: Callable[[float], None], connections: int
) -> None:
    """Each on a new connection, which is reset when its handshake is complete."""
    with Load(target.address, "tls", connections) as load:
        load.wait_for_answers()
        target.read_for(SECONDS)
        record(load.answers_per_second())


def test_reading_and_writing_at_once(target: Target) -> None:
    """40 viewers ping while samples are sent to them: two threads use each TLS object."""
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(target.dial())) for _ in range(40)]
        for i in range(PINGS):
            for peer in peers:
                peer.send(frame(PING, b"%d" % i))
        for peer in peers:
            for i in range(PINGS):
                assert peer.skip_to(PONG).payload == b"%d" % i


def test_stalling_for_a_while(target: Target) -> None:
    """A record that did not fit is finished before any other, whichever of the two threads has made it."""
    with Peer(target.dial(buffer_bytes=BUFFER_BYTES), PATH) as peer:
        assert_intact_after_stall(target, peer)


def test_broken_frames_end_with_their_code(target: Target) -> None:
    """As without TLS: the close frame is encrypted and sent before the connection ends."""
    for name, (data, code) in BROKEN.items():
        with Peer(target.dial()) as peer:
            peer.send(data)
            assert close_code(peer) == code, name


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        (b"", frame(PING, b"hello") * 100, "policy"),
        (length_only(1 << 40), b"x" * 65536, "too big"),
    ],
    ids=["pings", "endless frame"],
)
def test_flood_ends_the_viewer(first: bytes, then: bytes, reason: str, target: Target) -> None:
    """Ten viewers that send without reading are disconnected; their frames are counted only after decryption."""
    before = target.ended(reason)
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(target.dial())) for _ in range(10)]
        for peer in peers:
            peer.send(first)
            send_until_closed(peer.send, then)
    assert eventually(lambda: target.ended(reason) == before + 10)


def test_flood_of_key_updates(target: Target) -> None:
    """Clients without a request or a login, of which each could keep a core busy, are disconnected."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(dial(target.address)) for _ in range(5)]
        for client in [KeyUpdates(sock) for sock in sockets]:
            send_until_closed(client.flood, b"")


def test_byte_by_byte(target: Target) -> None:
    """A frame may arrive in one record for each byte."""
    with Peer(target.dial()) as peer:
        for byte in frame(PING, b"drip"):
            peer.send(bytes((byte,)))
        assert peer.skip_to(PONG).payload == b"drip"


def test_many_frames_in_one_record(target: Target) -> None:
    """All are handled without another byte from the network."""
    with Peer(target.dial(), trailing=frame(PING, b"a")) as peer:
        peer.send(b"".join(frame(PING, b"%d" % i) for i in range(PINGS)))
        for payload in (b"a", *(b"%d" % i for i in range(PINGS))):
            assert peer.skip_to(PONG).payload == payload


def encrypted(below: socket.socket, data: bytes) -> bytes:
    """Do a handshake on the socket; return the record with ``data`` that is to follow."""
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
    tls.write(data)
    return outgoing.read()


def test_stream_that_is_cut_off_or_changed(target: Target) -> None:
    """The connection ends without close_notify, between two records or in one; or a record has been changed."""
    for cut, change in ((0, 0), (1, 0), (20, 0), (0, 1)):
        with dial(target.address) as below:
            record = bytearray(encrypted(below, head("GET /healthz HTTP/1.1")))
            record[-1] ^= change
            below.sendall(record[: len(record) - cut])
            below.shutdown(socket.SHUT_WR)
            read_to_end(below)
