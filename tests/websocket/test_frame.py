"""Frames as bytes, decoded by two client libraries."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import websocket
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Event, Protocol

from telemetry_stream.websocket import frame


def decoded(data: bytes) -> list[Event]:
    """Return what the core of a real client decodes from ``data``, which must end at the end of a frame."""
    protocol = Protocol(CLIENT, state=OPEN, max_size=None)
    protocol.receive_data(data)
    assert protocol.parser_exc is None
    events = protocol.events_received()
    # Behind half a frame, the client would take the ping for the rest of it.
    protocol.receive_data(frame.PING)
    assert [event.opcode for event in protocol.events_received() if isinstance(event, Frame)] == [
        Opcode.PING
    ]
    return events


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_texts_of_all_lengths_are_decoded(size: int) -> None:
    """RFC 6455 section 5.2 has three forms of a length. These sizes are their limits."""
    payload = b"x" * size
    assert decoded(frame.text(payload)) == [Frame(Opcode.TEXT, payload)]


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_length_has_its_shortest_form(size: int, head: bytes) -> None:
    """RFC 6455 section 5.2 demands it, and strict clients refuse any other form."""
    assert frame.text(b"x" * size) == head + b"x" * size


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_fragments_make_one_message(pieces: list[bytes]) -> None:
    """A text frame, then continuation frames, the last one with FIN, for any number of pieces including 0."""
    events = decoded(b"".join(frame.fragments(pieces)))
    frames = [event for event in events if isinstance(event, Frame)]
    assert [f.opcode for f in frames] == [
        Opcode.TEXT if n == 0 else Opcode.CONT for n in range(len(pieces) + 1)
    ]
    assert [f.fin for f in frames] == [False] * len(pieces) + [True]
    assert b"".join(f.data for f in frames) == b"".join(pieces)


def test_pieces_are_drawn_one_by_one() -> None:
    """So a long message is never in memory as a whole."""
    drawn = []

    def pieces() -> Iterator[bytes]:
        for piece in (b"a", b"b"):
            drawn.append(piece)
            yield piece

    frames = frame.fragments(pieces())
    assert next(frames) == b"\x01\x01a"
    assert drawn == [b"a"]


def test_a_real_client_reads_fragments_with_a_ping_between_them() -> None:
    """``websocket-client`` answers the ping and returns the whole message."""
    ours, theirs = socket.socketpair()
    client = websocket.WebSocket()
    with ours, theirs:
        theirs.settimeout(10)
        client.sock, client.connected = theirs, True
        pieces = ["größe ".encode(), b"x" * 70_000, b"end"]
        ours.sendall(frame.PING.join(frame.fragments(pieces)))
        assert client.recv() == b"".join(pieces).decode()
        assert ours.recv(64)[:2] == b"\x8a\x80"


def test_a_close_frame_has_a_code_and_a_reason() -> None:
    """A real client decodes both."""
    protocol = Protocol(CLIENT, state=OPEN)
    protocol.receive_data(frame.close(4008, "too slow"))
    received = protocol.close_rcvd
    assert received is not None
    assert (received.code, received.reason) == (4008, "too slow")
