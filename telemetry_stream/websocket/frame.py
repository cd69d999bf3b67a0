"""Server frames of RFC 6455 section 5, as bytes ready for any viewer.

A server's frames are unmasked and we negotiate no extension, so one frame serves everybody: it is made once per
broadcast, however many viewers there are. Received frames are simple-websocket's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

FIN = 0x80
CONTINUATION, TEXT, CLOSE, PING_OPCODE = 0x0, 0x1, 0x8, 0x9

PING = bytes((FIN | PING_OPCODE, 0))


def text(payload: bytes) -> bytes:
    """One whole text message. ``payload`` is UTF-8."""
    return _frame(FIN | TEXT, payload)


def fragments(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One text message, a frame for each of its ``pieces`` (RFC 6455 section 5.4).

    A long message is so never held whole, and pings and pongs find their place between its fragments.
    """
    opcode = TEXT
    for piece in pieces:
        yield _frame(opcode, piece)
        opcode = CONTINUATION
    yield _frame(FIN | opcode, b"")


def close(code: int, reason: str) -> bytes:
    """A close frame (section 5.5.1). ``reason`` takes at most 123 bytes."""
    return _frame(FIN | CLOSE, code.to_bytes(2, "big") + reason.encode())


def _frame(first_byte: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first_byte, size)) + payload
    if size < 1 << 16:
        return bytes((first_byte, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first_byte, 127)) + size.to_bytes(8, "big") + payload
