"""The receiving side, over a socket in memory."""

from __future__ import annotations

import pytest

from telemetry_stream.websocket.inbound import Inbound
from telemetry_stream.websocket.quota import Allowance, Quota
from tests.websocket.peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closing, frame

MESSAGE_BYTES = Allowance().message_bytes

KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3


class Script:
    """A peer whose input is given; the end of the input is the end of the stream."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.sent: list[bytes] = []
        self.pongs = 0
        self.close_frames: list[tuple[bool, int]] = []  # too_big, and the number of writes before
        self.closed = 0

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def close(self) -> None:
        self.closed += 1

    def on_pong(self) -> None:
        self.pongs += 1

    def before_close_frame(self, *, too_big: bool) -> None:
        self.close_frames.append((too_big, len(self.sent)))


def read(*pieces: bytes) -> tuple[Script, Inbound]:
    """Receive this input; return its peer, with the output after the handshake, and the receiving side."""
    script = Script(*pieces)
    inbound = Inbound(script, KEY, Quota(Allowance()))
    handshake = script.sent.pop()
    assert handshake.startswith(b"HTTP/1.1 101 ")
    script.pongs = 0  # the library's constructor sets pong_received, too
    inbound.read()
    return script, inbound


def test_the_handshake_is_answered_before_anything_is_read() -> None:
    """The answer has the hash of the key, and no extension."""
    script = Script(b"never read")
    Inbound(script, KEY, Quota(Allowance()))
    (answer,) = script.sent
    head = answer.lower()
    assert head.startswith(b"http/1.1 101 ")
    assert head.endswith(b"\r\n\r\n")
    assert b"sec-websocket-accept: " + ACCEPT.lower() + b"\r\n" in head
    assert b"upgrade: websocket\r\n" in head
    assert b"extensions" not in head
    assert script.pieces


def test_messages_are_discarded() -> None:
    """The library's own buffer has no limit. Ours keeps nothing."""
    script, inbound = read(frame(TEXT, b"x") + frame(BINARY, b"y"), frame(TEXT, b"z"))
    assert not inbound.input_buffer
    assert script.sent == []
    assert script.close_frames == []


def test_pings_are_answered_and_pongs_are_reported() -> None:
    """The input arrives as a whole or byte by byte."""
    data = frame(PING, b"a") + frame(PONG) + frame(PING, b"b") + frame(PONG, b"unasked")
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        script, _ = read(*pieces)
        assert b"".join(script.sent) == b"\x8a\x01a\x8a\x01b"
        assert script.pongs == 2


@pytest.mark.parametrize(
    ("data", "reply", "too_big"),
    [
        (closing(1000, b"bye"), b"\x88\x05\x03\xe8bye", False),
        (closing(1009), b"\x88\x02\x03\xf1", False),
        (closing(4999), b"\x88\x02\x13\x87", False),
        (frame(CLOSE), b"\x88\x00", False),
        (frame(TEXT, b"x" * (MESSAGE_BYTES + 1)), b"\x88\x14\x03\xf1Message is too big", True),
        (
            frame(TEXT, b"x" * 500, fin=False) + frame(CONTINUATION, b"x" * 13),
            b"\x88\x14\x03\xf1Message is too big",
            True,
        ),
    ],
)
def test_a_close_frame_is_reported_before_it_is_sent(
    data: bytes, reply: bytes, too_big: bool
) -> None:
    """So the owner can end the client first. Pings behind the peer's close frame are not answered."""
    script, _ = read(data + frame(PING, b"late"), frame(PING, b"later"))
    assert script.sent == [reply]
    assert script.close_frames == [(too_big, 0)]
    assert script.pieces, "it has read on after the close frame"
    assert script.closed == 1


@pytest.mark.parametrize(
    "data", [b"\x81\x02hi", frame(0x3), b"\xc1\x80" + bytes(4), frame(PING, b"x" * 126)]
)
def test_a_wrong_frame_ends_with_1002(data: bytes) -> None:
    """Unmasked, of an unknown opcode, compressed, or a control frame that is too long."""
    script, _ = read(data, frame(PING))
    (reply,) = script.sent
    assert (reply[0], reply[2:4]) == (0x88, b"\x03\xea")
    assert script.close_frames == [(False, 0)]


def test_too_many_frames_end_reading() -> None:
    """Frames of every kind count, also the empty continuation, which exceeds no other limit."""
    fragments = frame(TEXT, fin=False) + 100 * frame(CONTINUATION, fin=False)
    for flood in (100 * frame(PING), 100 * frame(PONG), 100 * frame(TEXT), fragments):
        script = Script(flood, b"never read")
        quota = Quota(Allowance())
        Inbound(script, KEY, quota).read()
        assert quota.exceeded
        assert script.pieces


def test_an_error_of_the_socket_ends_reading() -> None:
    """``read`` returns after a reset and after a deadline."""

    class Dead(Script):
        def recv(self, size: int) -> bytes:
            raise ConnectionResetError

    script = Dead()
    Inbound(script, KEY, Quota(Allowance())).read()
    assert script.closed == 1
