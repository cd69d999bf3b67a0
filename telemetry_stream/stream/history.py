"""The ``history`` message, which is made of many samples.

It is made in pieces, on the thread that writes them: neither a long history nor a slow viewer costs the publisher time
or memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .ring import Entry

# A history is sent in such pieces, so that a viewer that reads slowly keeps no more than one in memory.
PIECE_BYTES = 16 * 1024


def pieces(
    entries: Iterable[Entry], sections: tuple[str, ...] | None, *, brief: bool = False
) -> Iterator[bytes]:
    """Yield the ``history`` message in pieces of at least 16 KiB, except the last."""
    parts, size = [b'{"type":"history","samples":['], 0
    separator = b""
    for entry in entries:
        parts.append(separator)
        parts += (found := entry.parts(sections, brief=brief))
        separator = b","
        size += sum(map(len, found))
        if size >= PIECE_BYTES:
            yield _taken(parts)
            size = 0
    parts.append(b"]}")
    yield _taken(parts)


def _taken(parts: list[bytes]) -> bytes:
    """Empty the list, and return what it had as one text. So a reader that waits keeps only one copy."""
    text = b"".join(parts)
    parts.clear()
    return text
