"""Frames that RFC 6455 forbids, and the close code that the server answers each with."""

from __future__ import annotations

from tests.websocket.peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    Peer,
    closing,
    frame,
)

PROTOCOL_ERROR, BAD_DATA, TOO_BIG = 1002, 1007, 1009


def length_only(size: int) -> bytes:
    """Return the head of a masked text frame that announces ``size`` bytes."""
    return bytes((0x80 | TEXT, 0xFF)) + size.to_bytes(8, "big") + bytes(4)


BROKEN: dict[str, tuple[bytes, int]] = {
    "unmasked": (b"\x81\x02hi", PROTOCOL_ERROR),
    "unmasked ping": (b"\x89\x00", PROTOCOL_ERROR),
    "first reserved bit": (b"\xc1\x80" + bytes(4), PROTOCOL_ERROR),
    "second reserved bit": (b"\xa1\x80" + bytes(4), PROTOCOL_ERROR),
    "third reserved bit": (b"\x91\x80" + bytes(4), PROTOCOL_ERROR),
    "reserved bit in a close": (b"\xc8\x80" + bytes(4), PROTOCOL_ERROR),
    **{
        f"reserved opcode {opcode}": (frame(opcode), PROTOCOL_ERROR)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    },
    "fragmented ping": (frame(PING, fin=False), PROTOCOL_ERROR),
    "fragmented close": (frame(CLOSE, fin=False), PROTOCOL_ERROR),
    "long ping": (frame(PING, bytes(126)), PROTOCOL_ERROR),
    "long close": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), PROTOCOL_ERROR),
    "continuation without a start": (frame(CONTINUATION, b"x"), PROTOCOL_ERROR),
    "message inside a message": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), PROTOCOL_ERROR),
    "length above 2**63": (length_only(1 << 63), PROTOCOL_ERROR),
    "length in too many bytes": (length_only(1), PROTOCOL_ERROR),
    "length in too many bytes, 16 bits": (b"\x81\xfe\x00\x01" + bytes(5), PROTOCOL_ERROR),
    "text that is not UTF-8": (frame(TEXT, b"\xff"), BAD_DATA),
    "text with a surrogate": (frame(TEXT, b"\xed\xa0\x80"), BAD_DATA),
    "text that ends too early": (frame(TEXT, b"\xe2\x82"), BAD_DATA),
    "text broken across fragments": (
        frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"\x28"),
        BAD_DATA,
    ),
    "message of 513": (frame(TEXT, b"x" * 513), TOO_BIG),
    "binary message of 513": (frame(BINARY, b"x" * 513), TOO_BIG),
    "message of 16000": (frame(TEXT, b"x" * 16_000), TOO_BIG),
    "fragments of 300": (
        frame(TEXT, b"x" * 300, fin=False) + frame(CONTINUATION, b"x" * 300),
        TOO_BIG,
    ),
    "start of 2**62": (length_only(1 << 62) + b"x" * 600, TOO_BIG),
    **{
        f"close {code}": (closing(code), PROTOCOL_ERROR)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535)
    },
    "close with half a code": (frame(CLOSE, b"\x03"), PROTOCOL_ERROR),
    "close reason that is not UTF-8": (closing(1000, b"\xff"), BAD_DATA),
    "close reason with half a character": (closing(1000, b"\xe2\x82"), BAD_DATA),
}


def close_code(peer: Peer) -> int | None:
    """Read to the end; return the code of the close frame, which must be the last frame, or None after a reset."""
    try:
        frames = peer.frames_to_end()
    except ConnectionError:
        return None
    assert [got.opcode for got in frames].count(CLOSE) == 1
    assert frames[-1].opcode == CLOSE
    return frames[-1].code
