"""Attacks on the running program by viewers, with frames that no client should send."""

from __future__ import annotations

import itertools
import random
import socket
import struct
import zlib

import pytest

from tests.attacks.broken import (
    BROKEN,
    PROTOCOL_ERROR,
    TOO_BIG,
    close_code,
    length_only,
)
from tests.attacks.stalling import BUFFER_BYTES, PATH, assert_intact_after_stall
from tests.attacks.target import Target
from tests.attacks.wire import read_to_end, send_until_closed
from tests.conftest import eventually
from tests.websocket.peer import (
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Peer,
    closing,
    frame,
    handshake,
)


def test_broken_frames_end_with_their_code(target: Target) -> None:
    """Everything that RFC 6455 forbids, each sent by a new viewer."""
    for name, (data, code) in BROKEN.items():
        with Peer(target.address) as peer:
            peer.send(data)
            assert close_code(peer) == code, name


def test_long_messages_are_counted_in_bytes(target: Target) -> None:
    """512 bytes of any alphabet are accepted, whole or split within a character; one byte more is too big."""
    for letter in ("x", "é", "€", "😀"):
        longest = (letter * 512).encode()[: 512 - 512 % len(letter.encode())].ljust(512, b".")
        whole = frame(TEXT, longest)
        cut = frame(TEXT, longest[:257], fin=False) + frame(CONTINUATION, longest[257:])
        with Peer(target.address) as peer:
            peer.send(whole + cut + whole + frame(PING, b"passed"))
            assert peer.skip_to(PONG).payload == b"passed", letter
        for data in (
            frame(TEXT, longest + b"."),
            frame(TEXT, longest, fin=False) + frame(CONTINUATION, b"."),
            frame(TEXT, longest[:257], fin=False) + frame(CONTINUATION, longest[257:] + b"."),
        ):
            with Peer(target.address) as peer:
                peer.send(data + closing(1000))  # ends the connection if the message is accepted
                assert close_code(peer) == TOO_BIG, (letter, len(data))


def test_closes_are_answered_once(target: Target) -> None:
    """Valid ones with the same code, also when more bytes follow; some peers do not wait for the answer."""
    for code in (1000, 1001, 1003, 1007, 1011, 3000, 4999):
        for behind in (b"", frame(TEXT, b"more"), closing(1001), frame(PING) * 50, b"\xff" * 50):
            with Peer(target.address) as peer:
                peer.send(closing(code, "grüß".encode()) + behind)
                assert close_code(peer) == code, (code, behind)
    for _ in range(50):
        with Peer(target.address) as peer:
            peer.send(closing(1000))


# What is sent once, what is sent again and again, and the reason of the end.
FLOODS: dict[str, tuple[bytes, bytes, str]] = {
    "messages": (b"", frame(TEXT, b"hello") * 100, "policy"),
    "pings": (b"", frame(PING, b"hello") * 100, "policy"),
    "long pings": (b"", frame(PING, b"x" * 125) * 100, "policy"),
    "pongs": (b"", frame(PONG) * 100, "policy"),
    "empty fragments": (frame(TEXT, fin=False), frame(CONTINUATION, fin=False) * 100, "policy"),
    "longest messages": (b"", frame(TEXT, b"x" * 512) * 100, "policy"),
    "pings between fragments": (
        frame(TEXT, fin=False),
        (frame(PING) + frame(CONTINUATION, b"x", fin=False)) * 50,
        "policy",
    ),
    "endless frame": (length_only(1 << 40), b"x" * 65536, "too big"),
    "endless ping": (b"\x89\xff" + (1 << 40).to_bytes(8, "big"), b"x" * 65536, "gone"),
}


@pytest.mark.parametrize("name", FLOODS)
def test_flood_ends_the_viewer(name: str, target: Target) -> None:
    """Ten viewers that send without reading are disconnected."""
    first, then, reason = FLOODS[name]
    before = target.ended(reason)
    peers = [Peer(target.address) for _ in range(10)]
    try:
        for peer in peers:
            peer.send(first)
            send_until_closed(peer.send, then)
    finally:
        for peer in peers:
            peer.close()
    assert eventually(lambda: target.ended(reason) == before + 10)


def test_noise_after_the_handshake(target: Target) -> None:
    """300 viewers send random bytes, masked frames of random kinds, or both; each connection ends regularly."""
    dice = random.Random(6455)
    for _ in range(300):
        data = b"".join(
            dice.randbytes(dice.randrange(40))
            if dice.random() < 0.3
            else frame(
                dice.randrange(16), dice.randbytes(dice.randrange(40)), fin=dice.random() < 0.7
            )
            for _ in range(dice.randrange(1, 6))
        )
        with Peer(target.address, trailing=data) as peer:
            peer.sock.shutdown(socket.SHUT_WR)
            read_to_end(peer.sock)


OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=abc",
    "permessage-deflate; server_max_window_bits=99999999999999999999",
    'permessage-deflate; client_max_window_bits="8',
    "permessage-deflate, permessage-deflate; x=y; " + "z; " * 1000,
    "x-webkit-deflate-frame",
    ";;;,,,===",
]


def test_deflate_offers(target: Target) -> None:
    """None is accepted, however it is written; a compressed frame is a protocol error."""
    packer = zlib.compressobj(wbits=-15)
    bomb = packer.compress(bytes(300_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 500
    for offer in OFFERS:
        with Peer(target.address, headers=f"Sec-WebSocket-Extensions: {offer}\r\n") as peer:
            assert b"extensions" not in peer.head.lower()
            compressed = bytearray(frame(TEXT, bomb))
            compressed[0] |= 0x40
            peer.send(bytes(compressed))
            assert close_code(peer) == PROTOCOL_ERROR


def test_frames_in_the_segment_of_the_handshake(target: Target) -> None:
    """One frame, two, a part of one, a broken one: the bytes after the head belong to the WebSocket."""
    for trailing in (frame(PING, b"early"), frame(PING, b"early") * 2):
        with Peer(target.address, trailing=trailing) as peer:
            assert peer.skip_to(PONG).payload == b"early"
    whole = frame(PING, b"in two")
    for cut in range(1, len(whole)):
        with Peer(target.address, trailing=whole[:cut]) as peer:
            peer.message()  # so that the rest is sent in another segment
            peer.send(whole[cut:])
            assert peer.skip_to(PONG).payload == b"in two"
    with Peer(target.address, trailing=b"\x81\x02hi") as peer:
        assert close_code(peer) == PROTOCOL_ERROR


def test_byte_by_byte(target: Target) -> None:
    """A frame may arrive one byte at a time."""
    with Peer(target.address) as peer:
        for byte in frame(PING, b"drip"):
            peer.send(bytes((byte,)))
        assert peer.skip_to(PONG).payload == b"drip"


def test_resets_in_the_middle_of_a_frame(target: Target) -> None:
    """200 clients leave with a RST, at every place of the handshake, of a frame, and of the stream to them."""
    data = handshake() + frame(PING, b"x" * 30)
    for cut in itertools.islice(itertools.cycle(range(1, len(data) + 1, 7)), 200):
        with socket.create_connection(target.address) as sock:
            sock.sendall(data[:cut])
            if cut % 3 == 0 and cut > len(handshake()):
                sock.recv(100)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_stalling_for_a_while(target: Target) -> None:
    """A viewer that pings without reading, and then reads, has missed nothing and gets a pong for each ping."""
    with Peer(target.address, PATH, buffer_bytes=BUFFER_BYTES) as peer:
        assert_intact_after_stall(target, peer)


def test_half_closed(target: Target) -> None:
    """A viewer that closes its write side, in the middle of a frame or between two, is disconnected."""
    before = target.ended("gone")
    for data in (b"", b"\x81", frame(PING), frame(PING)[:-1], frame(TEXT, b"x", fin=False)):
        with Peer(target.address) as peer:
            peer.send(data)
            peer.sock.shutdown(socket.SHUT_WR)
            peer.frames_to_end()
    assert eventually(lambda: target.ended("gone") == before + 5)
