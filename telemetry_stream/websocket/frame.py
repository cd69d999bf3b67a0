"""Server frames of RFC 6455 section 5, as bytes that can be sent to any viewer.

A server's frames are not masked, and no extension is negotiated, so the same bytes are right for every viewer. A
broadcast is therefore framed once, however many viewers there are. simple-websocket parses the frames of viewers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

FIN = 0x80
CONTINUATION, TEXT, CLOSE, PING_OPCODE = 0x0, 0x1, 0x8, 0x9

PING = bytes((FIN | PING_OPCODE, 0))


def text(payload: bytes) -> bytes:
    """Return a text message in one frame. ``payload`` is UTF-8."""
    return _frame(FIN | TEXT, payload)


def fragments(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield one text message as a frame for each of its ``pieces``, and an empty last one (RFC 6455 section 5.4).

    So a long message is never in memory as a whole, and pings and pongs can be sent between its fragments.
    """
    opcode = TEXT
    for piece in pieces:
        fragment = _frame(opcode, piece)
        opcode = CONTINUATION
        del piece  # while the peer is waited for, one copy is enough
        yield fragment
    yield _frame(FIN | opcode, b"")


def close(code: int, reason: str) -> bytes:
    """Return a close frame (section 5.5.1). ``reason`` has at most 123 bytes."""
    return _frame(FIN | CLOSE, code.to_bytes(2, "big") + reason.encode())


def _frame(first_byte: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first_byte, size)) + payload
    if size < 1 << 16:
        return bytes((first_byte, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first_byte, 127)) + size.to_bytes(8, "big") + payload
