"""What a viewer may send, and the code with which the connection ends if it sends something else."""

from __future__ import annotations

import pytest

from tests.server.service import Service
from tests.websocket.peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, frame


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
def test_a_flood_ends_with_1008(flood: bytes) -> None:
    """Without this limit, one viewer that sends all the time uses a whole core."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(flood)
        last = peer.frames_to_end()[-1]
        assert (last.opcode, last.payload) == (CLOSE, b"\x03\xf0policy")
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
def test_a_long_message_ends_with_1009(data: bytes) -> None:
    """Also if it is sent in short fragments, and if it is long in bytes but not in characters."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(data)
        assert peer.skip_to(CLOSE).code == 1009
        assert peer.frames_to_end() == []
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"too big": 1}


def test_messages_of_512_bytes_are_discarded() -> None:
    """The connection stays open."""
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
def test_a_wrong_frame_ends_with_the_code_of_its_error(data: bytes, code: int) -> None:
    """RFC 6455 section 7.4.1 lists the codes. The next viewer is served."""
    with Service() as service:
        with Peer(service.address) as peer:
            peer.send(data)
            assert peer.skip_to(CLOSE).code == code
            assert peer.frames_to_end() == []
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"
