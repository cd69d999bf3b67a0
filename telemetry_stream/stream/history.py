"""What a feed remembers of a sample, and the ``history`` message that is made of many.

The message is made in pieces, on the thread that writes them: neither a long history nor a slow viewer costs the
publisher time or memory.
"""

from __future__ import annotations

import bisect
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .choice import Resume
from .encoded import EncodedSample

# A history is sent in such pieces, so that a viewer that reads slowly keeps no more than one in memory.
PIECE_BYTES = 16 * 1024
ENTRY_BYTES = 600  # of a sample's objects, beside its texts


@dataclass(frozen=True, slots=True)
class Entry:
    """A published sample: what the feed adds to it, and its texts."""

    seq: int
    published_at: float  # monotonic seconds
    head: bytes
    sample: EncodedSample

    def text(self, chosen: tuple[str, ...] | None) -> bytes:
        """Return the ``sample`` message for this choice of sections."""
        return b"".join(self.parts(chosen))

    def parts(self, chosen: tuple[str, ...] | None, *, brief: bool = False) -> list[bytes]:
        """Return the message in parts, for a history that contains it."""
        parts = self.sample.brief_parts if brief else self.sample.parts
        return parts(self.head, chosen)

    def __len__(self) -> int:
        """The memory that it takes in a ring, in bytes."""
        return len(self.head) + len(self.sample) + ENTRY_BYTES


def select(entries: tuple[Entry, ...], resume: Resume, every: int, stream: str) -> Iterator[Entry]:
    """Return the entries that ``resume`` selects. Numbers and times rise, so both ends are found by bisection.

    The seconds count back from the newest sample that is a multiple of ``every``: the newest one that is returned.
    """
    is_this_run = resume.stream in (None, stream)
    begin, end = 0, len(entries)
    if is_this_run:
        begin = bisect.bisect_right(entries, resume.since, key=_seq_of)
        if resume.before is not None:
            end = bisect.bisect_left(entries, resume.before, key=_seq_of)
    while begin < end and entries[end - 1].seq % every:
        end -= 1
    if resume.history_seconds is not None and begin < end:
        oldest = entries[end - 1].published_at - resume.history_seconds
        begin = bisect.bisect_right(entries, oldest, begin, end, key=_published_at_of)
    selected = itertools.islice(entries, begin, max(begin, end))
    return (entry for entry in selected if entry.seq % every == 0)


_seq_of: Callable[[Entry], int] = operator.attrgetter("seq")
_published_at_of: Callable[[Entry], float] = operator.attrgetter("published_at")


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
