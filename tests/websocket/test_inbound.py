"""The tamed receiving side, over a socket in memory, and the quota with a clock that moves when told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from telemetry_stream.websocket import inbound
from telemetry_stream.websocket.inbound import (
    Allowance,
    Inbound,
    Quota,
    QuotaExceededError,
)
from tests.websocket.peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closing, frame

MESSAGE_BYTES, FRAMES_PER_SECOND, BYTES_PER_SECOND = Allowance()

KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3


class Script:
    """A peer whose words are given; the end of them is the end of the stream."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.sent: list[bytes] = []
        self.pongs = 0
        self.closings: list[tuple[bool, int]] = []
        self.closed = 0

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def close(self) -> None:
        self.closed += 1

    def pong(self) -> None:
        self.pongs += 1

    def closing(self, *, too_big: bool) -> None:
        self.closings.append((too_big, len(self.sent)))


def read(*pieces: bytes) -> tuple[Script, Inbound]:
    """A peer that has said all this, and what it was answered after the handshake."""
    script = Script(*pieces)
    received = Inbound(script, KEY, Quota())
    handshake = script.sent.pop()
    assert handshake.startswith(b"HTTP/1.1 101 ")
    script.pongs = 0  # the library says one of its own when it is made
    received.read()
    return script, received


def test_handshake_is_answered_at_once() -> None:
    """With the key's answer and no extension, before anything is read."""
    script = Script(b"never read")
    Inbound(script, KEY, Quota())
    (answer,) = script.sent
    head = answer.lower()
    assert head.startswith(b"http/1.1 101 ")
    assert head.endswith(b"\r\n\r\n")
    assert b"sec-websocket-accept: " + ACCEPT.lower() + b"\r\n" in head
    assert b"upgrade: websocket\r\n" in head
    assert b"extensions" not in head
    assert script.pieces


def test_messages_are_not_kept() -> None:
    """The library's own buffer has no bound: ours holds nothing."""
    script, received = read(frame(TEXT, b"x") + frame(BINARY, b"y"), frame(TEXT, b"z"))
    assert not received.input_buffer
    assert script.sent == []
    assert script.closings == []


def test_pings_are_answered_and_pongs_are_told() -> None:
    """Whole or byte by byte."""
    data = frame(PING, b"a") + frame(PONG) + frame(PING, b"b") + frame(PONG, b"unasked")
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        script, _ = read(*pieces)
        assert b"".join(script.sent) == b"\x8a\x01a\x8a\x01b"
        assert script.pongs == 2


@pytest.mark.parametrize(
    ("said", "reply", "too_big"),
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
def test_close_frame_is_announced_before_it_is_sent(
    said: bytes, reply: bytes, too_big: bool
) -> None:
    """So that the owner can see to it that nothing follows."""
    script, _ = read(said + frame(PING, b"late"), frame(PING, b"later"))
    assert script.sent == [reply]
    assert script.closings == [(too_big, 0)]
    assert script.pieces, "read on after the end"
    assert script.closed == 1


@pytest.mark.parametrize(
    "said", [b"\x81\x02hi", frame(0x3), b"\xc1\x80" + bytes(4), frame(PING, b"x" * 126)]
)
def test_broken_rule_is_a_1002(said: bytes) -> None:
    """Unmasked, unknown, compressed, or a control frame that is too long."""
    script, _ = read(said, frame(PING))
    (reply,) = script.sent
    assert (reply[0], reply[2:4]) == (0x88, b"\x03\xea")
    assert script.closings == [(False, 0)]


def test_flood_ends_reading() -> None:
    """Frames of every kind count, the empty continuation that trips no other limit among them."""
    fragments = frame(TEXT, fin=False) + 100 * frame(CONTINUATION, fin=False)
    for flood in (100 * frame(PING), 100 * frame(PONG), 100 * frame(TEXT), fragments):
        script = Script(flood, b"never read")
        quota = Quota()
        Inbound(script, KEY, quota).read()
        assert quota.exceeded
        assert script.pieces


def test_socket_error_ends_reading() -> None:
    """A reset or a deadline is an end like any other."""

    class Dead(Script):
        def recv(self, size: int) -> bytes:
            raise ConnectionResetError

    script = Dead()
    Inbound(script, KEY, Quota()).read()
    assert script.closed == 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock that the quota reads."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(inbound, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_quota_of_frames(clock: SimpleNamespace) -> None:
    """So many in a second, and one more is too much."""
    quota = Quota()
    quota.take(frames=FRAMES_PER_SECOND)
    assert not quota.exceeded
    with pytest.raises(QuotaExceededError, match="20 frames"):
        quota.take(frames=1)
    assert quota.exceeded


def test_quota_of_bytes(clock: SimpleNamespace) -> None:
    """Also of one frame that never ends."""
    quota = Quota()
    for _ in range(BYTES_PER_SECOND // 4096):
        quota.take(size=4096)
    with pytest.raises(QuotaExceededError, match="16384 bytes"):
        quota.take(size=1)
    assert quota.exceeded


def test_quota_is_new_each_second(clock: SimpleNamespace) -> None:
    """A viewer that says a little all day is let be."""
    quota = Quota()
    for _ in range(1000):
        quota.take(frames=FRAMES_PER_SECOND, size=BYTES_PER_SECOND)
        clock.now += 1.0
    assert not quota.exceeded
